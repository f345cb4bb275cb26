#include "tools/manual.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/target.h"

namespace udsrpc::tools {
namespace {

// Text as groff shows it: hyphens as typed, and no line that begins as a request does.
std::string Escaped(absl::string_view text) {
  std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}, {"'", "\\(aq"}});
  if (!escaped.empty() && escaped[0] == '.') escaped.insert(0, "\\&");
  return escaped;
}

void AppendParagraphs(absl::string_view text, std::string* page) {
  for (const absl::string_view paragraph : absl::StrSplit(text, "\n\n")) {
    absl::StrAppend(page, ".PP\n", Escaped(paragraph), "\n");
  }
}

void AppendFlags(const std::vector<absl::string_view>& names, std::string* page) {
  for (const absl::string_view name : names) {
    const FlagHelp flag = DescribeFlag(name);
    absl::StrAppend(page, ".TP\n.B ", Escaped(absl::StrCat("--", flag.name, flag.is_switch ? "" : "=...")), "\n",
                    Escaped(flag.text));
    if (!flag.default_value.empty()) absl::StrAppend(page, " (", Escaped(flag.default_value), ")");
    absl::StrAppend(page, "\n");
  }
}

}  // namespace

std::string ManualPage() {
  std::string page =
      ".TH UDSRPC 1\n.SH NAME\nudsrpc \\- call, inspect and measure the RPC services of this host\n"
      ".SH SYNOPSIS\n.B udsrpc\nCOMMAND [ARGUMENT...] [\\-\\-FLAG...]\n.SH TARGETS\n";
  AppendParagraphs(kTargetHelp, &page);
  absl::StrAppend(&page, ".SH COMMANDS\n");
  for (const Command& command : Commands()) {
    absl::StrAppend(&page, ".SS ",
                    Escaped(absl::StrCat(command.name, command.arguments.empty() ? "" : " ", command.arguments)), "\n",
                    Escaped(command.summary), ".\n");
    AppendParagraphs(command.description, &page);
    AppendFlags(command.flags, &page);
    for (const Command::Example& example : command.examples) {
      absl::StrAppend(&page, ".PP\n", Escaped(example.what), ":\n.PP\n.RS\n.nf\n", Escaped(example.command),
                      "\n.fi\n.RE\n");
    }
  }
  absl::StrAppend(&page, ".SH OPTIONS\nOf all commands:\n");
  AppendFlags(CommonFlags(), &page);
  absl::StrAppend(&page, ".SH EXIT STATUS\n", Escaped(kExitCodeHelp), "\n");
  return page;
}

}  // namespace udsrpc::tools
