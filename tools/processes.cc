#include "tools/processes.h"

#include <dirent.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace udsrpc::tools {
namespace {

// More is of no use in a list of processes.
constexpr size_t kMaxCommandLine = 4096;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

// The names in a directory. False: it cannot be read, for the reason that errno has.
bool ListDirectory(const std::string& path, std::vector<std::string>* names) {
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
  if (directory == nullptr) return false;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): readdir(3), of a directory that no other thread reads
  while (const dirent* const entry = readdir(directory.get())) names->push_back(entry->d_name);
  return true;
}

std::optional<std::string> ReadLink(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = readlink(path.c_str(), target, sizeof(target));
  if (size < 0 || static_cast<size_t>(size) == sizeof(target)) return std::nullopt;
  return std::string(target, static_cast<size_t>(size));
}

std::string FirstBytes(const std::string& path, size_t count) {
  std::string bytes(count, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

// The arguments, with spaces between them.
std::string ReadCommandLine(const std::string& path) {
  std::string line = FirstBytes(path, kMaxCommandLine);
  while (!line.empty() && line.back() == '\0') line.pop_back();
  std::replace(line.begin(), line.end(), '\0', ' ');
  return line;
}

// The inode of "socket:[INODE]" or "net:[INODE]".
bool ReadInode(absl::string_view link, absl::string_view kind, uint32_t* inode) {
  return absl::ConsumePrefix(&link, kind) && absl::ConsumePrefix(&link, ":[") && absl::ConsumeSuffix(&link, "]") &&
         absl::SimpleAtoi(link, inode);
}

// Of the process whose directory it is.
uint32_t NetworkOf(const std::string& directory) {
  const std::optional<std::string> link = ReadLink(directory + "/ns/net");
  uint32_t inode = 0;
  return link.has_value() && ReadInode(*link, "net", &inode) ? inode : 0;
}

void ReadSockets(const std::string& directory, Process* process) {
  std::vector<std::string> fds;
  if (!ListDirectory(directory, &fds)) {
    process->readable = errno == ENOENT;  // it has ended
    return;
  }
  for (const std::string& fd : fds) {
    uint32_t inode;
    const std::optional<std::string> link = ReadLink(absl::StrCat(directory, "/", fd));
    if (!link.has_value() && errno == EACCES) process->readable = false;
    if (link.has_value() && ReadInode(*link, "socket", &inode)) process->sockets.push_back(inode);
  }
  std::sort(process->sockets.begin(), process->sockets.end());
  process->sockets.erase(std::unique(process->sockets.begin(), process->sockets.end()), process->sockets.end());
}

// False: it has ended.
bool ReadProcess(const std::string& directory, Process* process) {
  struct stat owner;
  if (stat(directory.c_str(), &owner) != 0) return false;
  process->uid = owner.st_uid;
  process->name = FirstBytes(directory + "/comm", kMaxCommandLine);
  if (!process->name.empty() && process->name.back() == '\n') process->name.pop_back();
  process->command_line = ReadCommandLine(directory + "/cmdline");
  process->network = NetworkOf(directory);
  // The owner of the directory is root where the process may not be looked into, whoever runs it.
  std::istringstream status(FirstBytes(directory + "/status", kMaxCommandLine));
  for (std::string line; std::getline(status, line);) {
    absl::string_view rest = line;
    if (!absl::ConsumePrefix(&rest, "Uid:")) continue;
    const std::vector<absl::string_view> uids = absl::StrSplit(rest, absl::ByAnyChar("\t "), absl::SkipEmpty());
    uid_t effective;
    if (uids.size() == 4 && absl::SimpleAtoi(uids[1], &effective)) process->uid = effective;
  }
  ReadSockets(directory + "/fd", process);
  return stat(directory.c_str(), &owner) == 0;  // of one that has ended meanwhile all is refused
}

}  // namespace

uint32_t OwnNetwork(const std::string& proc) { return NetworkOf(proc + "/self"); }

std::vector<Process> ReadProcesses(const std::string& proc) {
  std::vector<std::string> names;
  ListDirectory(proc, &names);
  std::vector<Process> processes;
  for (const std::string& name : names) {
    Process process;
    if (!absl::SimpleAtoi(name, &process.pid)) continue;
    if (ReadProcess(absl::StrCat(proc, "/", name), &process)) processes.push_back(std::move(process));
  }
  std::sort(processes.begin(), processes.end(), [](const Process& a, const Process& b) { return a.pid < b.pid; });
  return processes;
}

std::optional<PathByDescriptor> SplitPathByDescriptor(absl::string_view path) {
  PathByDescriptor split{};
  if (!absl::ConsumePrefix(&path, "/proc/self/fd/")) return std::nullopt;
  const size_t slash = path.find('/');
  if (slash == absl::string_view::npos || !absl::SimpleAtoi(path.substr(0, slash), &split.fd) || split.fd < 0) {
    return std::nullopt;
  }
  split.name = path.substr(slash + 1);
  return split;
}

std::string ResolvePath(const std::string& proc, pid_t pid, const std::string& name, uint32_t inode) {
  const std::string process = absl::StrCat(proc, "/", pid);
  const std::optional<PathByDescriptor> split = SplitPathByDescriptor(name);
  std::vector<std::string> links;
  if (split.has_value()) {
    links.push_back(absl::StrCat(process, "/fd/", split->fd));
    // The number is that of whoever has bound the socket. Another, to whom it was given, has the directory as another.
    std::vector<std::string> fds;
    ListDirectory(process + "/fd", &fds);
    for (const std::string& fd : fds) links.push_back(absl::StrCat(process, "/fd/", fd));
  } else if (!name.empty() && name[0] != '/') {
    links.push_back(process + "/cwd");
  }
  absl::string_view file = split.has_value() ? split->name : absl::string_view(name);
  while (absl::ConsumePrefix(&file, "./")) {
  }
  for (const std::string& link : links) {
    const std::optional<std::string> directory = ReadLink(link);
    if (!directory.has_value() || !absl::StartsWith(*directory, "/")) continue;
    std::string path = absl::StrCat(*directory == "/" ? "" : *directory, "/", file);
    struct stat found;
    if (lstat(absl::StrCat(process, "/root", path).c_str(), &found) == 0 && S_ISSOCK(found.st_mode) &&
        static_cast<uint32_t>(found.st_ino) == inode) {
      return path;
    }
  }
  return name;
}

bool IsMissing(const std::string& proc, pid_t pid, const std::string& path) {
  if (!absl::StartsWith(path, "/") || SplitPathByDescriptor(path).has_value()) return false;
  // In another mount namespace, or below another root, the path is another file, or none.
  const std::string process = absl::StrCat(proc, "/", pid);
  const std::optional<std::string> mounts = ReadLink(process + "/ns/mnt");
  if (!mounts.has_value() || mounts != ReadLink(proc + "/self/ns/mnt")) return false;
  if (ReadLink(process + "/root") != ReadLink(proc + "/self/root")) return false;
  struct stat file;
  return lstat(path.c_str(), &file) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

std::optional<absl::Duration> CpuTime(pid_t pid) {
  clockid_t clock;
  timespec time;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return std::nullopt;
  return absl::DurationFromTimespec(time);
}

std::string UserName(uid_t uid) {
  char buffer[4096];
  passwd entry;
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) != 0 || found == nullptr) return absl::StrCat(uid);
  return found->pw_name;
}

}  // namespace udsrpc::tools
