#include "tools/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "tools/terminal.h"

namespace udsrpc::tools {
namespace {

// xterm's sequences, which all of today's terminals know.
constexpr char kBegin[] = "\x1b[?1049h\x1b[?25l";  // the other screen, without a cursor
constexpr char kEnd[] = "\x1b[?25h\x1b[?1049l";
constexpr char kHome[] = "\x1b[H";
constexpr char kEraseLine[] = "\x1b[K";
constexpr char kEraseBelow[] = "\x1b[J";

size_t Height() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 ? size.ws_row : 24;
}

// So many columns of it, without cutting what colours it.
std::string Cut(const std::string& line, size_t columns) {
  std::string cut;
  size_t shown = 0;
  bool in_sequence = false;
  for (const char c : line) {
    if (c == '\x1b') in_sequence = true;
    if (!in_sequence && ++shown > columns) continue;
    cut += c;
    if (in_sequence && c == 'm') in_sequence = false;
  }
  return cut;
}

}  // namespace

bool Screen::IsThere() { return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1; }

Screen::Screen() {
  tcgetattr(STDIN_FILENO, &before_);
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  std::fputs(kBegin, stdout);
}

Screen::~Screen() {
  std::fputs(kEnd, stdout);
  std::fflush(stdout);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
}

void Screen::Draw(const std::vector<std::string>& lines, const std::string& footer) {
  const size_t rows = Height() - 1;
  const auto columns = static_cast<size_t>(TerminalWidth());
  std::string text = kHome;
  for (size_t i = 0; i < rows && i < lines.size(); ++i) {
    absl::StrAppend(&text, Cut(lines[i], columns), kEraseLine, "\r\n");
  }
  absl::StrAppend(&text, kEraseBelow, "\x1b[", rows + 1, ";1H", Cut(footer, columns), kEraseLine);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace udsrpc::tools
