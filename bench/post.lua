-- wrk's requests: the token and the body of the command line, and an idempotency key that no other request has.
-- What it counts is printed in one line for bench/load.py.

local threads, made = 0, 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  method, body, keyed = args[1], args[2], args[4] ~= ""
  headers = { ["Content-Type"] = "application/json" }
  if args[3] ~= "" then headers["Authorization"] = "Bearer " .. args[3] end
  prefix = args[4] .. "-" .. number .. "-"
end

function request()
  if keyed then
    made = made + 1
    headers["Idempotency-Key"] = prefix .. made
  end
  return wrk.format(method, nil, headers, body ~= "" and body or nil)
end

function done(summary)
  local wrong = summary.errors
  io.write(string.format("COUNTED %d %d %d\n", summary.requests, summary.duration,
    wrong.status + wrong.connect + wrong.read + wrong.write + wrong.timeout))
end
