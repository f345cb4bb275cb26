#ifndef UDSRPC_TOOLS_STATS_H_
#define UDSRPC_TOOLS_STATS_H_

#include "tools/command.h"

namespace udsrpc::tools {

Command StatsCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_STATS_H_
