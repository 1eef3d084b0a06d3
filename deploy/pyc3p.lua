-- Teaches Wireshark and tshark application/cccp+xml, the documents of C3P in SIP and HTTP.
--
--   tshark -X lua_script:pyc3p.lua -r calls.pcapng -Y c3p
--   tshark -X lua_script:pyc3p.lua -r calls.pcapng -Y 'c3p.command == "addUser" && c3p.code == "failure"'
--
-- For Wireshark: put this file into the folder of personal Lua plugins (Help, About, Folders).

local c3p = Proto("c3p", "Centralized Conference Control Protocol")

local fields = {
  document = ProtoField.string("c3p.document", "Document"), -- request, response or notify
  command = ProtoField.string("c3p.command", "Command"),
  request_id = ProtoField.string("c3p.requestId", "Request"),
  code = ProtoField.string("c3p.code", "Code"), -- of a response: success, pending, failure
  reason = ProtoField.string("c3p.reason", "Reason"),
  conference = ProtoField.string("c3p.confEntity", "Conference"),
  user = ProtoField.string("c3p.user", "User"),
}
c3p.fields = fields
local failure = ProtoExpert.new("c3p.failure", "The command failed", expert.group.RESPONSE_CODE, expert.severity.WARN)
c3p.experts = { failure }

-- Where a pattern stands in the document: the text of its first capture, and the bytes that it comes from.
local function find(text, tvb, pattern, from)
  local first, _, at, value, stop = text:find(pattern, from or 1)
  if first == nil then return nil end
  return value, tvb(at - 1, stop - at), stop
end

local function attribute(text, tvb, name, tag)
  return find(tag, tvb, "%s" .. name .. "%s*=%s*[\"']()([^\"']*)()")
end

function c3p.dissector(tvb, pinfo, tree)
  local text = tvb:raw()
  local root_from, root_to, document
  for _, kind in ipairs({ "request", "response", "notify" }) do
    local from, to = text:find("<[%w_.:-]*" .. kind .. "[%s>][^>]*>?")
    if from ~= nil and (root_from == nil or from < root_from) then
      root_from, root_to, document = from, to, kind
    end
  end
  local branch = tree:add(c3p, tvb())
  if document ~= nil then
    -- Attributes are looked for in the start tag alone; what is before it keeps the places right.
    local tag = text:sub(1, root_to)
    local words = { document }
    branch:add(fields.document, tvb(root_from - 1, root_to - root_from + 1), document)
    local command, where = find(text, tvb, "<()([%w_.:-]+)()", root_to)
    if command ~= nil then
      command = command:match("([^:]+)$")
      branch:add(fields.command, where, command)
      words[#words + 1] = command
    end
    local id, id_where = attribute(text, tvb, "requestId", tag)
    if id ~= nil then branch:add(fields.request_id, id_where, id) end
    local code, code_where = attribute(text, tvb, "code", tag)
    if code ~= nil then
      local item = branch:add(fields.code, code_where, code)
      words[#words + 1] = code
      if code == "failure" then item:add_proto_expert_info(failure) end
    end
    local reason, reason_where = attribute(text, tvb, "reason", tag)
    if reason ~= nil then
      branch:add(fields.reason, reason_where, reason)
      words[#words + 1] = reason
    end
    local conference, conference_where = find(text, tvb, "confEntity%s*=%s*[\"']()([^\"']*)()")
    if conference ~= nil then branch:add(fields.conference, conference_where, conference) end
    local place = root_to
    while true do
      local user, user_where, stop = find(text, tvb, "<[%w_.:-]*user%s[^>]-entity%s*=%s*[\"']()([^\"']*)()", place)
      if user == nil then break end
      branch:add(fields.user, user_where, user)
      place = stop
    end
    if id ~= nil then words[#words + 1] = "#" .. id end
    branch:append_text(": " .. table.concat(words, " "))
    pinfo.cols.info:append(" | C3P " .. table.concat(words, " "))
  end
  Dissector.get("xml"):call(tvb, pinfo, branch)
end

DissectorTable.get("media_type"):add("application/cccp+xml", c3p)
