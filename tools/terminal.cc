#include "tools/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/flags.h"

namespace udsrpc::tools {
namespace {

constexpr int kDefaultWidth = 80;

// See no-color.org.
bool IsColored(int fd) {
  const Color color = absl::GetFlag(FLAGS_color);
  if (color != Color::kAuto) return color == Color::kAlways;
  const char* const no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && isatty(fd) == 1;
}

// ECMA-48, "select graphic rendition".
absl::string_view CodeOf(Style style) {
  switch (style) {
    case Style::kBold:
      return "1";
    case Style::kDim:
      return "2";
    case Style::kRed:
      return "31";
    case Style::kGreen:
      return "32";
    case Style::kYellow:
      return "33";
    case Style::kCyan:
      break;
  }
  return "36";
}

std::string StyledOn(int fd, Style style, absl::string_view text) {
  return IsColored(fd) ? absl::StrCat("\x1b[", CodeOf(style), "m", text, "\x1b[0m") : std::string(text);
}

}  // namespace

std::string Styled(Style style, absl::string_view text) { return StyledOn(STDOUT_FILENO, style, text); }

std::string StyledForError(Style style, absl::string_view text) { return StyledOn(STDERR_FILENO, style, text); }

int TerminalWidth() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kDefaultWidth;
}

std::string Wrap(absl::string_view text, int indent, int width) {
  std::string wrapped;
  const std::string margin(static_cast<size_t>(indent), ' ');
  for (const absl::string_view paragraph : absl::StrSplit(text, "\n\n")) {
    if (!wrapped.empty()) wrapped += "\n";
    std::string line;
    for (const absl::string_view word : absl::StrSplit(paragraph, absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
      if (!line.empty() && indent + line.size() + 1 + word.size() > static_cast<size_t>(width)) {
        absl::StrAppend(&wrapped, margin, line, "\n");
        line.clear();
      }
      absl::StrAppend(&line, line.empty() ? "" : " ", word);
    }
    absl::StrAppend(&wrapped, margin, line, "\n");
  }
  return wrapped;
}

}  // namespace udsrpc::tools
