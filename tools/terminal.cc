#include "tools/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "tools/flags.h"

namespace udsrpc::tools {
namespace {

constexpr int kDefaultWidth = 80;

// See no-color.org.
bool IsColored(int fd) {
  const Color color = absl::GetFlag(FLAGS_color);
  if (color != Color::kAuto) return color == Color::kAlways;
  const char* const no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): nobody sets it
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

// How many bytes the character at the beginning of `text` has; 0: it is no UTF-8, or a control character.
size_t PrintableBytes(absl::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return byte(0) < 0x20 || byte(0) == 0x7F ? 0 : 1;
  const size_t size = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return byte(0) == 0xC2 && byte(1) < 0xA0 ? 0 : size;  // U+0080 to U+009F control terminals as well
}

int output_error = 0;  // the first errno of standard output

std::string StyledOn(int fd, Style style, absl::string_view text) {
  return IsColored(fd) ? absl::StrCat("\x1b[", CodeOf(style), "m", text, "\x1b[0m") : std::string(text);
}

}  // namespace

std::string Styled(Style style, absl::string_view text) { return StyledOn(STDOUT_FILENO, style, text); }

std::string StyledForError(Style style, absl::string_view text) { return StyledOn(STDERR_FILENO, style, text); }

std::string Printable(absl::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const size_t size = PrintableBytes(text);
    if (size > 0) {
      absl::StrAppend(&printable, text.substr(0, size));
    } else if (text[0] == '\n' || text[0] == '\r' || text[0] == '\t') {
      absl::StrAppend(&printable, text[0] == '\n' ? "\\n" : text[0] == '\r' ? "\\r" : "\\t");
    } else {
      absl::StrAppendFormat(&printable, "\\x%02x", static_cast<unsigned char>(text[0]));
    }
    text.remove_prefix(size > 0 ? size : 1);
  }
  return printable;
}

std::string CountOf(uint64_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

bool FlushOutput() {
  if (std::fflush(stdout) != 0 && output_error == 0) output_error = errno;
  return std::ferror(stdout) == 0;
}

std::string OutputErrorText() {
  return absl::StrCat("cannot write the output",
                      output_error == 0 ? "" : absl::StrCat(": ", std::generic_category().message(output_error)));
}

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
