#ifndef UDSRPC_TOOLS_HELP_H_
#define UDSRPC_TOOLS_HELP_H_

#include <string>

#include "tools/command.h"

namespace udsrpc::tools {

// "help [COMMAND]".
Command HelpCommand();

// What the program can do.
std::string ProgramHelp();
// What one command does and takes, with examples.
std::string CommandHelp(const Command& command);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_HELP_H_
