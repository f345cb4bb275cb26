#ifndef UDSRPC_TOOLS_REPLAY_H_
#define UDSRPC_TOOLS_REPLAY_H_

#include "tools/command.h"

namespace udsrpc::tools {

Command ReplayCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_REPLAY_H_
