#ifndef UDSRPC_TOOLS_CALL_H_
#define UDSRPC_TOOLS_CALL_H_

#include "tools/command.h"

namespace udsrpc::tools {

// "call TARGET METHOD [JSON]".
Command CallCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_CALL_H_
