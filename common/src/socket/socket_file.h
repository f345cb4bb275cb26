#ifndef UDSRPC_COMMON_SOCKET_SOCKET_FILE_H_
#define UDSRPC_COMMON_SOCKET_SOCKET_FILE_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/src/socket/socket_address.h"
#include "common/src/socket/socket_directory.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {

// Sets the mode of what a descriptor of any kind, O_PATH's too, refers to. 0, or errno.
int ChangeFileMode(int fd, mode_t mode);

// The file of a socket that this process has bound to a path, in a directory that is held open. Destroying it removes
// the file, if that is still the very one; it blocks for at most 0.1 s, while another process holds the directory's
// lock, and then leaves the file.
class SocketFile {
 public:
  struct Permissions {
    mode_t mode = 0600;
    // Default: the process's, or the directory's group where that is set-group-id.
    std::optional<uid_t> owner = std::nullopt;
    std::optional<gid_t> group = std::nullopt;
  };

  // Which file it is, however it is called.
  struct Identity {
    dev_t device;
    ino_t inode;
    friend bool operator==(const Identity&, const Identity&) = default;
  };

  // Binds `socket` to `address`, which is in `directory`, where CheckPathIsFree has found it free and the lock has been
  // held since; a stale file is replaced. Until the file has its owner, group and mode it has no permissions at all.
  // The errors are those of ClaimError, and ALREADY_EXISTS where somebody who takes no lock came first.
  static absl::StatusOr<SocketFile> Bind(int socket, const Endpoint& endpoint, const SocketAddress& address,
                                         const Permissions& permissions, std::shared_ptr<SocketDirectory> directory);

  // One that another process has made: the file at `address`, if it is that one. It is not this process's to remove
  // until Own. Null: it is not there.
  static std::unique_ptr<SocketFile> Find(const Endpoint& endpoint, const SocketAddress& address,
                                          const Identity& identity);

  const Identity& identity() const { return identity_; }
  // Whether it is removed in the end.
  bool owned() const { return owned_; }
  void Own() { owned_ = true; }
  void Disown() { owned_ = false; }

  SocketFile(SocketFile&&) = default;
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();

  // The same with the lock held.
  void RemoveLocked();

 private:
  SocketFile(std::shared_ptr<SocketDirectory> directory, std::string name)
      : directory_(std::move(directory)), name_(std::move(name)) {}

  absl::Status Make(int socket, const Endpoint& endpoint, const SocketAddress& address) const;
  // Of the file that bind has just made: finds out which it is, and gives it its owner, group and mode.
  absl::Status TakePossession(const Endpoint& endpoint, const Permissions& permissions);

  std::shared_ptr<SocketDirectory> directory_;  // null: it was removed, or moved from
  std::string name_;
  Identity identity_{.device = 0, .inode = 0};
  bool owned_ = true;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_SOCKET_SOCKET_FILE_H_
