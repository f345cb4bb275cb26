#ifndef UDSRPC_TOOLS_SCREEN_H_
#define UDSRPC_TOOLS_SCREEN_H_

#include <termios.h>

#include <string>
#include <vector>

namespace udsrpc::tools {

// A terminal whose whole screen a command draws upon, again and again, and whose keys it is told of one by one. Gives
// the terminal back as it was when it is destroyed.
class Screen {
 public:
  // Whether standard input and output are a terminal.
  static bool IsThere();

  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Shows what fits of `lines`, with `footer` below.
  void Draw(const std::vector<std::string>& lines, const std::string& footer);

 private:
  termios before_{};
};

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_SCREEN_H_
