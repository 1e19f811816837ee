#ifndef MV_BASE_VERSION_H
#define MV_BASE_VERSION_H

#define MV_VERSION "0.1.0"

#endif
