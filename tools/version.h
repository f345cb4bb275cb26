#ifndef UDSRPC_TOOLS_VERSION_H_
#define UDSRPC_TOOLS_VERSION_H_

#include "tools/command.h"

namespace udsrpc::tools {

// "version", and --version.
Command VersionCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_VERSION_H_
