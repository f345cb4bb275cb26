// Passes descriptors that it inherited to a program as systemd passes sockets:
//
//   pass_sockets NAME=DESCRIPTOR... -- COMMAND...

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  constexpr int kFirst = 3;
  std::vector<std::string> arguments(argv + 1, argv + argc);
  std::string names;
  std::vector<int> descriptors;
  size_t i = 0;
  for (; i < arguments.size() && arguments[i] != "--"; ++i) {
    const size_t equals = arguments[i].find('=');
    if (equals == std::string::npos) return 2;
    names += (names.empty() ? "" : ":") + arguments[i].substr(0, equals);
    // Out of the way of where they go.
    descriptors.push_back(fcntl(std::atoi(arguments[i].c_str() + equals + 1), F_DUPFD_CLOEXEC, 100));
  }
  for (size_t n = 0; n < descriptors.size(); ++n) {
    if (dup2(descriptors[n], kFirst + static_cast<int>(n)) < 0) return 2;
  }
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  setenv("LISTEN_FDS", std::to_string(descriptors.size()).c_str(), 1);
  setenv("LISTEN_FDNAMES", names.c_str(), 1);
  if (i + 1 >= arguments.size()) return 2;
  execvp(argv[i + 2], argv + i + 2);
  return 127;
}
