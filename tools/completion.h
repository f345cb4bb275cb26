#ifndef UDSRPC_TOOLS_COMPLETION_H_
#define UDSRPC_TOOLS_COMPLETION_H_

#include "tools/command.h"

namespace udsrpc::tools {

// "completion SHELL".
Command CompletionCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_COMPLETION_H_
