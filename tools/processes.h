#ifndef UDSRPC_TOOLS_PROCESSES_H_
#define UDSRPC_TOOLS_PROCESSES_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace udsrpc::tools {

// A process that has sockets, or may have.
struct Process {
  pid_t pid = 0;
  uid_t uid = 0;     // effective
  std::string name;  // of its main thread; as it says itself, so it may hold anything
  std::string command_line;
  std::vector<uint32_t> sockets;  // their inodes, sorted
  bool readable = true;           // false: what it has open is not for this user to see
  // The inode of its network namespace. 0: it cannot be seen.
  uint32_t network = 0;
};

// The inode of this process's network namespace. 0: `proc`, which is /proc, does not show it.
uint32_t OwnNetwork(const std::string& proc);

// All processes that `proc`, which is /proc, shows. One that ends meanwhile is left out, or has no sockets. Blocks for
// the file system alone.
std::vector<Process> ReadProcesses(const std::string& proc);

// The path to which a socket that process `pid` has was bound as `name`, a relative one or one by way of a descriptor
// of its directory: as that process sees it. `inode` is that of its file, or its low bits. `name` itself where the path
// cannot be found out, as where the process has changed its directory, or may not be looked into.
std::string ResolvePath(const std::string& proc, pid_t pid, const std::string& name, uint32_t inode);

// Whether nothing is there at `path`, as process `pid` sees it, any more. False as well: that cannot be found out.
bool IsMissing(const std::string& proc, pid_t pid, const std::string& path);

// User and system time of all its threads (clock_getcpuclockid(3)). Nothing: there is no such process.
std::optional<absl::Duration> CpuTime(pid_t pid);

// The name of the user, or the number where it has none.
std::string UserName(uid_t uid);

// N of "/proc/self/fd/N/NAME", NAME being all that is behind it; nothing where `path` is none of that kind.
struct PathByDescriptor {
  int fd;
  absl::string_view name;
};
std::optional<PathByDescriptor> SplitPathByDescriptor(absl::string_view path);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_PROCESSES_H_
