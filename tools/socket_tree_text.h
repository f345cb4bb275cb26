#ifndef UDSRPC_TOOLS_SOCKET_TREE_TEXT_H_
#define UDSRPC_TOOLS_SOCKET_TREE_TEXT_H_

#include <string>

#include "tools/socket_tree.pb.h"

namespace udsrpc::tools {

// The tree for people, its notes included. Lines are cut at `width` columns; 0: they are not.
std::string SocketTreeText(const SocketTree& tree, int width);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_SOCKET_TREE_TEXT_H_
