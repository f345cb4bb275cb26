#ifndef UDSRPC_TOOLS_BENCH_H_
#define UDSRPC_TOOLS_BENCH_H_

#include "tools/command.h"

namespace udsrpc::tools {

// "bench TARGET METHOD [JSON]".
Command BenchCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_BENCH_H_
