#ifndef UDSRPC_TOOLS_TOP_H_
#define UDSRPC_TOOLS_TOP_H_

#include "tools/command.h"

namespace udsrpc::tools {

Command TopCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_TOP_H_
