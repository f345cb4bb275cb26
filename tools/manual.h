#ifndef UDSRPC_TOOLS_MANUAL_H_
#define UDSRPC_TOOLS_MANUAL_H_

#include <string>

namespace udsrpc::tools {

// The manual page udsrpc(1), in the man macros of groff(7), from what the commands say of themselves.
std::string ManualPage();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_MANUAL_H_
