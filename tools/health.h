#ifndef UDSRPC_TOOLS_HEALTH_H_
#define UDSRPC_TOOLS_HEALTH_H_

#include "tools/command.h"

namespace udsrpc::tools {

// "health TARGET [SERVICE]".
Command HealthCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_HEALTH_H_
