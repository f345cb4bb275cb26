#include "tools/help.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/flags.h"
#include "tools/manual.h"
#include "tools/target.h"
#include "tools/terminal.h"

namespace udsrpc::tools {
namespace {

constexpr int kSummaryColumn = 14;
constexpr int kFlagColumn = 24;
constexpr int kMostColumns = 120;

int Width() { return std::min(TerminalWidth(), kMostColumns); }

std::string Heading(absl::string_view text) { return absl::StrCat("\n", Styled(Style::kBold, text), "\n"); }

std::string FlagsHelp(const std::vector<absl::string_view>& names) {
  std::string help;
  for (const absl::string_view name : names) {
    const FlagHelp flag = DescribeFlag(name);
    std::string text = flag.text;
    if (!flag.default_value.empty()) absl::StrAppend(&text, " (", flag.default_value, ")");
    std::string wrapped = Wrap(text, kFlagColumn, Width());
    const std::string shown = absl::StrCat("  --", flag.name, flag.is_switch ? "" : "=...");
    wrapped.replace(0, std::min<size_t>(shown.size(), kFlagColumn - 1), shown.substr(0, kFlagColumn - 1));
    help += wrapped;
  }
  return help;
}

Outcome RunHelp(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    std::fputs(ProgramHelp().c_str(), stdout);
    return Outcome::Ok();
  }
  if (arguments[0] == "man") {
    std::fputs(ManualPage().c_str(), stdout);
    return Outcome::Ok();
  }
  const Command* const command = FindCommand(arguments[0]);
  if (command == nullptr) {
    return Outcome::Usage(absl::StrCat("there is no command \"", arguments[0], "\"; \"udsrpc help\" lists them"));
  }
  std::fputs(CommandHelp(*command).c_str(), stdout);
  return Outcome::Ok();
}

}  // namespace

std::string ProgramHelp() {
  std::string help = "udsrpc: call, inspect and measure the RPC services of this host\n";
  absl::StrAppend(&help, Heading("Usage"), "  udsrpc COMMAND [ARGUMENT...] [--FLAG...]\n");
  absl::StrAppend(&help, Heading("Commands"));
  for (const Command& command : Commands()) {
    absl::StrAppendFormat(&help, "  %-*s%s\n", kSummaryColumn - 2, command.name, command.summary);
  }
  absl::StrAppend(&help, Heading("Targets"), Wrap(kTargetHelp, 2, Width()));
  absl::StrAppend(&help, Heading("Exit codes"), Wrap(kExitCodeHelp, 2, Width()));
  absl::StrAppend(&help, "\n\"udsrpc help COMMAND\" says more, with examples.\n");
  return help;
}

std::string CommandHelp(const Command& command) {
  std::string help = absl::StrCat("udsrpc ", command.name, ": ", command.summary, "\n");
  absl::StrAppend(&help, Heading("Usage"), "  udsrpc ", command.name, command.arguments.empty() ? "" : " ",
                  command.arguments, command.flags.empty() ? "" : " [--FLAG...]", "\n\n",
                  Wrap(command.description, 2, Width()));
  if (!command.flags.empty()) absl::StrAppend(&help, Heading("Flags"), FlagsHelp(command.flags));
  absl::StrAppend(&help, Heading("Flags of all commands"), FlagsHelp(CommonFlags()));
  if (!command.examples.empty()) help += Heading("Examples");
  for (const Command::Example& example : command.examples) {
    absl::StrAppend(&help, "  ", Styled(Style::kDim, absl::StrCat("# ", example.what)), "\n  ", example.command, "\n");
  }
  return help;
}

Command HelpCommand() {
  return {.name = "help",
          .arguments = "[COMMAND]",
          .summary = "Say what the program, or one of its commands, does",
          .description = "Without a command it lists all of them. \"udsrpc help man\" prints the manual page.",
          .examples = {{"What a command takes", "udsrpc help call"}},
          .max_arguments = 1,
          .run = RunHelp};
}

}  // namespace udsrpc::tools
