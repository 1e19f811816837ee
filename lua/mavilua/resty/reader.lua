--- Reads from a cosocket through a buffer of its own: lines and bytes within limits.
-- @internal mavilua.resty.reader
local reader = {}
reader.__index = reader

local PIECE = 65536  -- bytes taken from nginx at once, at most
local TURN = 64      -- reads after which the worker's other requests get a turn, however fast this one's come
local JOINED = 512   -- small pieces that are made one

--- Makes a reader.
-- @param socket a connected cosocket
-- @param before function(): called before each read; sets the time that is left, or raises
-- @return the reader; `received` counts its bytes, `closed` tells that the other side has ended
function reader.new(socket, before)
  return setmetatable({
    socket = socket, before = before, buffer = "", at = 1, received = 0, reads = 0, closed = false,
  }, reader)
end

-- Lets others run: a sender that is always ahead would keep the worker to itself.
local function take_turn(self)
  self.reads = self.reads + 1
  if self.reads % TURN == 0 then ngx.sleep(0) end
end

--- Fetches some more bytes.
-- @return true; or false and "closed", or nginx's word for what is wrong
function reader:more()
  if self.closed then return false, "closed" end
  take_turn(self)
  self.before()
  local piece, problem = self.socket:receiveany(PIECE)
  if not piece then
    self.closed = true
    return false, problem
  end
  self.received = self.received + #piece
  self.buffer = self.at > #self.buffer and piece or self.buffer:sub(self.at) .. piece
  self.at = 1
  return true
end

--- Whether bytes are there that nobody has taken.
function reader:has_rest()
  return self.at <= #self.buffer
end

--- Takes a line that ends in CR LF.
-- @param limit bytes, the longest
-- @return the line without its end; or nil and "long", "broken" (a CR or LF alone) or as `more`
function reader:line(limit)
  local from = self.at
  while true do
    local first = self.buffer:find("[\r\n]", from)
    if (first or #self.buffer + 1) - self.at > limit then return nil, "long" end
    if first and first < #self.buffer then
      if self.buffer:sub(first, first + 1) ~= "\r\n" then return nil, "broken" end
      local line = self.buffer:sub(self.at, first - 1)
      self.at = first + 2
      return line
    end
    if first and self.buffer:byte(first) == 10 then return nil, "broken" end
    local seen = (first or #self.buffer + 1) - self.at
    local ok, problem = self:more()
    if not ok then return nil, problem end
    from = self.at + seen
  end
end

-- Bytes that come in pieces of any size, kept so that neither many small nor few large ones cost much.
local sink = {}
sink.__index = sink

--- Makes an empty one; `length` counts its bytes.
function reader.sink()
  return setmetatable({ parts = {}, small = {}, length = 0 }, sink)
end

local function join_small(self)
  if #self.small > 0 then self.parts[#self.parts + 1] = table.concat(self.small) end
  self.small = {}
end

function sink:add(piece)
  self.length = self.length + #piece
  self.small[#self.small + 1] = piece
  if #self.small == JOINED then join_small(self) end
end

function sink:text()
  join_small(self)
  return table.concat(self.parts)
end

--- Takes so many bytes into a sink.
-- @return true; or nil and as `more`
function reader:take(count, into)
  while count > 0 do
    if not self:has_rest() then
      local ok, problem = self:more()
      if not ok then return nil, problem end
    end
    local piece = self.buffer:sub(self.at, self.at + count - 1)
    self.at = self.at + #piece
    count = count - #piece
    into:add(piece)
  end
  return true
end

--- Takes all until the other side closes, at most `limit` bytes.
-- @return true; or nil and "long" or as `more`
function reader:take_all(limit, into)
  while true do
    if self:has_rest() then
      self:take(#self.buffer - self.at + 1, into)
      if into.length > limit then return nil, "long" end
    end
    local ok, problem = self:more()
    if not ok then
      if problem == "closed" then return true end
      return nil, problem
    end
  end
end

return reader
