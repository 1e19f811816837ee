--- Texts of clients, compared as people compare them.
-- @internal mavilua.host.text

local text = {}

-- Not as methods: those are the script's to replace.
local gsub, lower, match = string.gsub, string.lower, string.match

-- Two bytes of UTF-8.
local function encode(code)
  return string.char(192 + math.floor(code / 64), 128 + code % 64)
end

-- Capital to small letter for Latin, Greek and Cyrillic; the C library's locale is not asked.
local small = {}

local function pair(first, last, shift)
  for code = first, last do
    small[encode(code)] = encode(code + shift)
  end
end

pair(0xC0, 0xD6, 32) -- Latin-1
pair(0xD8, 0xDE, 32)
-- Capital and small letters alternate.
local function alternate(first, last)
  for code = first, last, 2 do
    small[encode(code)] = encode(code + 1)
  end
end

alternate(0x100, 0x12E) -- Latin Extended-A, but the dotted I
alternate(0x132, 0x136)
alternate(0x139, 0x147)
alternate(0x14A, 0x176)
alternate(0x179, 0x17D)
small[encode(0x178)] = encode(0xFF)
pair(0x391, 0x3A9, 32) -- Greek
pair(0x410, 0x42F, 32) -- Cyrillic
pair(0x400, 0x40F, 80)
alternate(0x460, 0x480)
alternate(0x48A, 0x4BE)

--- Small letters throughout; what is not a letter stays as it is.
function text.lower(s)
  return (gsub(lower(s), "[\195-\210][\128-\191]", small))
end

--- Without white space around it.
function text.trim(s)
  return (match(s, "^%s*(.-)%s*$"))
end

--- Trimmed and in small letters: equal for texts that people hold equal.
function text.fold(s)
  return text.lower(text.trim(s))
end

return text
