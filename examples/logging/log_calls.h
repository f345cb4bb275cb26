#ifndef EXAMPLES_LOGGING_LOG_CALLS_H_
#define EXAMPLES_LOGGING_LOG_CALLS_H_

#include <functional>
#include <string>

#include "udsrpc/client_interceptor.h"
#include "udsrpc/server_interceptor.h"

// Where log lines go: absl's LOG, syslog, the journal, a file. Called by many threads at once.
using LogSink = std::function<void(const std::string& line)>;

// Has `sink` get a line for each call that ends, with the trace that it belongs to. The server's starts a trace where a
// call comes without one; the client's gives each call that it makes an id of its own within the trace.
udsrpc::ServerInterceptorFactory LogServedCalls(LogSink sink);
udsrpc::ClientInterceptorFactory LogMadeCalls(LogSink sink);

#endif  // EXAMPLES_LOGGING_LOG_CALLS_H_
