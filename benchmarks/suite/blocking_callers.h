#ifndef UDSRPC_BENCHMARKS_SUITE_BLOCKING_CALLERS_H_
#define UDSRPC_BENCHMARKS_SUITE_BLOCKING_CALLERS_H_

#include <string>

#include "benchmarks/suite/system.h"

namespace udsrpc::benchmarks {

// Calls one after the other from this thread, until the load is over.
void EchoUntilOver(Connection& connection, const std::string& payload, Load& load);

// The same from so many threads: EchoMany of a system without an asynchronous face.
void EchoByThreads(int threads, Connection& connection, const std::string& payload, Load& load);

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_BLOCKING_CALLERS_H_
