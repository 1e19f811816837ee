--- Whole numbers as this Lua has them: with 64 bits, or as doubles (5.1, 5.2, LuaJIT).
local numbers = {}

numbers.has_integers = math.type ~= nil

--- The number of these digits, or the digits themselves where a double would change them.
function numbers.value(digits)
  if numbers.has_integers then return math.tointeger(digits) or digits end
  local number = tonumber(digits)
  return math.abs(number) <= 2 ^ 53 and digits == ("%.0f"):format(number) and number or digits
end

--- Its digits.
function numbers.digits(value)
  if type(value) == "string" or numbers.has_integers then return tostring(value) end
  return ("%.0f"):format(value)
end

--- What is sent for numbers.value(digits).
function numbers.json(digits)
  return type(numbers.value(digits)) == "string" and '"' .. digits .. '"' or digits
end

return numbers
