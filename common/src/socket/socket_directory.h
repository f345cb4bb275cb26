#ifndef UDSRPC_COMMON_SOCKET_SOCKET_DIRECTORY_H_
#define UDSRPC_COMMON_SOCKET_SOCKET_DIRECTORY_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// The directory of an endpoint's socket files. It is held open, so that what is done to them is done in this very
// directory, whatever becomes of its path or of the working directory.
class SocketDirectory {
 public:
  // NOT_FOUND: there is none. PERMISSION_DENIED: it may not be read. FAILED_PRECONDITION: everybody may replace what is
  // in it, as it is writable by all and not sticky. RESOURCE_EXHAUSTED: no descriptor left. INTERNAL: the kernel
  // refused.
  static absl::StatusOr<std::shared_ptr<SocketDirectory>> Open(const Endpoint& endpoint, const std::string& path);

  // Ends the lock.
  class Lock {
   public:
    explicit Lock(int directory) : directory_(directory) {}
    Lock(Lock&& other) noexcept : directory_(std::exchange(other.directory_, -1)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock();

   private:
    int directory_;
  };

  // Keeps others that claim or give up paths in the directory out (flock). UNAVAILABLE: another process has it for
  // longer than `patience`. Not to be held twice.
  absl::StatusOr<Lock> AwaitLock(absl::Duration patience);

  int fd() const { return fd_.get(); }

 private:
  SocketDirectory(Endpoint endpoint, UniqueFd fd, std::string path)
      : endpoint_(std::move(endpoint)), fd_(std::move(fd)), path_(std::move(path)) {}

  const Endpoint endpoint_;
  const UniqueFd fd_;
  const std::string path_;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SOCKET_SOCKET_DIRECTORY_H_
