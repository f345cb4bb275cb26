#ifndef UDSRPC_TOOLS_LIST_H_
#define UDSRPC_TOOLS_LIST_H_

#include "tools/command.h"

namespace udsrpc::tools {

// "list TARGET [SERVICE]".
Command ListCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_LIST_H_
