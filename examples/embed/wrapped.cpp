// The same from C++: handles that free themselves, errors as exceptions, a lambda as the log.
//
//   ./wrapped http://127.0.0.1:8082 CLIENT_ID FOLDER
#include <condition_variable>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#include <mavilua.h>

namespace {

// Takes the text over. Not to be called in one expression with what sets it: C++ may read it first.
void check(int status, char *text) {
  std::unique_ptr<char, decltype(&mavilua_free)> owned(text, mavilua_free);
  if (status != MAVILUA_OK)
    throw std::runtime_error(text ? text : "mavilua failed");
}

class Host {
public:
  using Log = std::function<void(mavilua_level, const std::string &)>;

  explicit Host(Log log) : log_(std::move(log)), host_(mavilua_host_new(), mavilua_host_free) {
    if (!host_)
      throw std::bad_alloc();
    mavilua_host_set_logger(host_.get(), &Host::hand_on, this);
  }

  Host &set(const std::string &name, const std::string &value) {
    char *err = nullptr;
    int status = mavilua_host_set(host_.get(), name.c_str(), value.c_str(), &err);
    check(status, err);
    return *this;
  }

  void start(const std::string &script) {
    char *err = nullptr;
    int status = mavilua_host_add_script(host_.get(), script.c_str(), &err);
    if (status == MAVILUA_OK)
      status = mavilua_host_start(host_.get(), &err);
    check(status, err);
  }

  int64_t post(const std::string &hook, const std::string &body) {
    char *err = nullptr;
    int64_t id = 0;
    int status = mavilua_host_post(host_.get(), hook.c_str(), body.data(), body.size(), &id, &err);
    check(status, err);
    return id;
  }

private:
  // The library is C: no exception may leave through it.
  static void hand_on(void *user, mavilua_level level, const char *line) noexcept {
    static_cast<Host *>(user)->log_(level, line);
  }

  Log log_;
  std::unique_ptr<mavilua_host, decltype(&mavilua_host_free)> host_;
};

void serve(const std::string &sandbox, const std::string &client, const std::string &folder) {
  std::mutex lock;
  std::condition_variable told;
  bool confirmed = false;
  Host host([&](mavilua_level, const std::string &line) {
    if (line.find(" confirmed") == std::string::npos)
      return;
    std::lock_guard<std::mutex> guard(lock);
    confirmed = true;
    told.notify_one();
  });
  host.set("listen", "127.0.0.1:0").set("db", folder + "/wrapped.db").set("workers", "1");
  host.set("api_key", "sandbox").set("base_url", sandbox);
  try {
    host.set("wrokers", "1");
  } catch (const std::runtime_error &problem) {
    std::cout << problem.what() << "\n";
  }
  host.start("bot.lua");
  std::cout << "event " << host.post("order", R"({"number":7,"client_id":)" + client + "}") << "\n";
  std::unique_lock<std::mutex> guard(lock);
  told.wait(guard, [&] { return confirmed; });
  guard.unlock();
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 4) {
    std::cerr << "usage: wrapped SANDBOX_URL CLIENT_ID FOLDER\n";
    return 64;
  }
  try {
    serve(argv[1], argv[2], argv[3]);
    std::cout << "mavilua " << mavilua_version() << " in C++\n";
  } catch (const std::exception &problem) {
    std::cerr << problem.what() << "\n";
    return 1;
  }
  return 0;
}
