#include "tools/bench.h"
#include "tools/call.h"
#include "tools/command.h"
#include "tools/completion.h"
#include "tools/describe.h"
#include "tools/health.h"
#include "tools/help.h"
#include "tools/list.h"
#include "tools/ps.h"
#include "tools/record.h"
#include "tools/replay.h"
#include "tools/stats.h"
#include "tools/top.h"
#include "tools/trace.h"
#include "tools/version.h"

namespace udsrpc::tools {

// One line a command. Each is defined in the file of its name.
const std::vector<Command>& Commands() {
  // clang-format off
  static const auto* const commands = new std::vector<Command>{
      BenchCommand(),
      CallCommand(),
      CompletionCommand(),
      DescribeCommand(),
      HealthCommand(),
      HelpCommand(),
      ListCommand(),
      PsCommand(),
      RecordCommand(),
      ReplayCommand(),
      StatsCommand(),
      TopCommand(),
      TraceCommand(),
      VersionCommand(),
  };
  // clang-format on
  return *commands;
}

const Command* FindCommand(absl::string_view name) {
  for (const Command& command : Commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

const std::vector<absl::string_view>& CommonFlags() {
  static const auto* const flags = new std::vector<absl::string_view>{"color", "help"};
  return *flags;
}

}  // namespace udsrpc::tools
