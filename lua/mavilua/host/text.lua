--- Texts of clients, compared as people compare them.
-- @module mavilua.host.text

local text = {}

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
for code = 0x100, 0x136, 2 do -- Latin Extended-A: capital and small letters alternate
  small[encode(code)] = code ~= 0x130 and encode(code + 1) or nil
end
for code = 0x139, 0x147, 2 do
  small[encode(code)] = encode(code + 1)
end
for code = 0x14A, 0x176, 2 do
  small[encode(code)] = encode(code + 1)
end
pair(0x391, 0x3A9, 32) -- Greek
pair(0x410, 0x42F, 32) -- Cyrillic
pair(0x400, 0x40F, 80)
for code = 0x460, 0x4BE, 2 do
  small[encode(code)] = encode(code + 1)
end

--- Small letters throughout; what is not a letter stays as it is.
function text.lower(s)
  return (s:lower():gsub("[\195-\210][\128-\191]", small))
end

--- Without white space around it.
function text.trim(s)
  return (s:match("^%s*(.-)%s*$"))
end

--- Trimmed and in small letters: equal for texts that people hold equal.
function text.fold(s)
  return text.lower(text.trim(s))
end

return text
