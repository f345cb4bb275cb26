#ifndef UDSRPC_TOOLS_DESCRIBE_H_
#define UDSRPC_TOOLS_DESCRIBE_H_

#include "tools/command.h"

namespace udsrpc::tools {

// "describe TARGET SYMBOL".
Command DescribeCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_DESCRIBE_H_
