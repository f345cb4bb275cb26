#ifndef UDSRPC_TOOLS_PS_H_
#define UDSRPC_TOOLS_PS_H_

#include "tools/command.h"

namespace udsrpc::tools {

// "ps [TARGET]".
Command PsCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_PS_H_
