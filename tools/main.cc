// The command udsrpc: what it can do is in commands.cc.

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/command.h"
#include "tools/command_line.h"
#include "tools/help.h"
#include "tools/terminal.h"

namespace udsrpc::tools {
namespace {

int Finish(Outcome outcome, absl::string_view command) {
  if (!FlushOutput() && outcome.code == ExitCode::kOk) outcome = Outcome::Failed(OutputErrorText());
  if (!outcome.message.empty()) {
    const std::string name = absl::StrCat("udsrpc", command.empty() ? "" : " ", command);
    std::fprintf(stderr, "%s: %s\n", StyledForError(Style::kRed, name).c_str(), Printable(outcome.message).c_str());
  }
  return static_cast<int>(outcome.code);
}

int Main(const std::vector<std::string>& words) {
  CommandLine line;
  const Outcome parsed = ParseCommandLine(words, &line);
  const absl::string_view name = line.command == nullptr ? "" : line.command->name;
  if (parsed.code != ExitCode::kOk) return Finish(parsed, name);
  if (line.command == nullptr) {
    std::fputs(ProgramHelp().c_str(), line.help ? stdout : stderr);
    return Finish({line.help ? ExitCode::kOk : ExitCode::kUsage}, name);
  }
  if (line.help) {
    std::fputs(CommandHelp(*line.command).c_str(), stdout);
    return Finish(Outcome::Ok(), name);
  }
  return Finish(line.command->run(line.arguments), name);
}

}  // namespace
}  // namespace udsrpc::tools

int main(int argc, char** argv) {
  // What is not looked at as it comes is written at once, where its error is known.
  static char output_buffer[256 << 10];
  if (isatty(STDOUT_FILENO) == 0) std::setvbuf(stdout, output_buffer, _IOFBF, sizeof output_buffer);
  return udsrpc::tools::Main(std::vector<std::string>(argv + 1, argv + argc));
}
