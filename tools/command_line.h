#ifndef UDSRPC_TOOLS_COMMAND_LINE_H_
#define UDSRPC_TOOLS_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "tools/command.h"
#include "tools/exit_code.h"

namespace udsrpc::tools {

// What was typed behind the program's name.
struct CommandLine {
  const Command* command = nullptr;
  std::vector<std::string> arguments;
  bool help = false;  // of the command, or, where there is none, of the program
};

// Reads it, and sets the flags. Each flag must be one that the command takes; a flag of metadata may be repeated.
// Usage: what is wrong, and what was meant perhaps.
Outcome ParseCommandLine(const std::vector<std::string>& words, CommandLine* line);

// The word of `known` that `word` was meant to be, or empty where none is near.
std::string Nearest(absl::string_view word, const std::vector<absl::string_view>& known);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_COMMAND_LINE_H_
