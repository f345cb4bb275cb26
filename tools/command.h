#ifndef UDSRPC_TOOLS_COMMAND_H_
#define UDSRPC_TOOLS_COMMAND_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/exit_code.h"

namespace udsrpc::tools {

// A command of the program, as its help, its completion and its manual page tell of it. All views are of literals.
struct Command {
  struct Example {
    absl::string_view what;     // "Waits until a service serves"
    absl::string_view command;  // "udsrpc health unix:/run/greeter.sock --wait"
  };

  absl::string_view name;
  absl::string_view arguments;                // "TARGET METHOD [JSON]"
  absl::string_view summary;                  // one line, without a full stop
  absl::string_view description;              // paragraphs, with an empty line between them
  std::vector<absl::string_view> flags = {};  // the names of those that it takes beside those of all commands
  std::vector<Example> examples = {};
  int min_arguments = 0;
  int max_arguments = 0;  // kAny: no limit
  Outcome (*run)(const std::vector<std::string>& arguments) = nullptr;

  static constexpr int kAny = -1;
};

// All commands, in the order in which help lists them.
const std::vector<Command>& Commands();

// Null: there is none.
const Command* FindCommand(absl::string_view name);

// Those that all commands take.
const std::vector<absl::string_view>& CommonFlags();

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_COMMAND_H_
