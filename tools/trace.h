#ifndef UDSRPC_TOOLS_TRACE_H_
#define UDSRPC_TOOLS_TRACE_H_

#include "tools/command.h"

namespace udsrpc::tools {

Command TraceCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_TRACE_H_
