#ifndef UDSRPC_TOOLS_RECORD_H_
#define UDSRPC_TOOLS_RECORD_H_

#include "tools/command.h"

namespace udsrpc::tools {

Command RecordCommand();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_RECORD_H_
