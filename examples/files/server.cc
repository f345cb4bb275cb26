// Hands out files as open descriptors:
//
//   files_server ENDPOINT ROOT
//
// serves the regular files below ROOT, read-only, until it gets SIGINT or SIGTERM.

#include "udsrpc/server.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "files.udsrpc.pb.h"
#include "udsrpc/unique_fd.h"

namespace {

// Below `root` only: neither ".." nor a symbolic link leads out, whatever is renamed meanwhile, as the kernel resolves
// the path in one go. O_NONBLOCK: to open a pipe that nobody writes does not wait.
udsrpc::UniqueFd OpenBeneath(int root, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return udsrpc::UniqueFd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how))));
}

absl::Status OpenError(const std::string& path, int error) {
  if (error == EXDEV) return absl::PermissionDeniedError(absl::StrCat(path, ": it leads out of the root"));
  return absl::ErrnoToStatus(error, path);
}

}  // namespace

// README: server
class FileServer final : public files::FilesService {
 public:
  explicit FileServer(udsrpc::UniqueFd root) : root_(std::move(root)) {}

 private:
  absl::Status Open(udsrpc::ServerContext& context, const files::OpenRequest& request,
                    files::OpenResponse& response) override {
    udsrpc::UniqueFd file = OpenBeneath(root_.get(), request.path());
    if (!file.valid()) return OpenError(request.path(), errno);
    struct stat status;
    if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
      return absl::FailedPreconditionError(absl::StrCat(request.path(), ": it is no regular file"));
    }
    response.set_bytes(static_cast<uint64_t>(status.st_size));
    context.AttachFd(std::move(file));
    return absl::OkStatus();
  }

  const udsrpc::UniqueFd root_;
};
// README: end

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "files_server: give an endpoint, such as unix:/run/files.sock, and a directory\n";
    return 1;
  }
  // Blocked before any thread starts, so that sigwait below is the only one to take them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  udsrpc::UniqueFd root(open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) {
    std::cerr << "files_server: " << argv[2] << ": " << std::strerror(errno) << "\n";
    return 1;
  }
  FileServer files(std::move(root));
  udsrpc::ServerBuilder builder;
  builder.AddEndpoint(argv[1]).RegisterService(&files);
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server = builder.Start();
  if (!server.ok()) {
    std::cerr << "files_server: " << server.status().message() << "\n";
    return 1;
  }
  for (const std::string& endpoint : (*server)->endpoints()) std::cout << "serving " << endpoint << std::endl;

  int signal;
  sigwait(&signals, &signal);
  (*server)->Shutdown(absl::Now() + absl::Seconds(2));
  return 0;
}
