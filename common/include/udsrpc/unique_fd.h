#ifndef UDSRPC_UNIQUE_FD_H_
#define UDSRPC_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>
#include <vector>

namespace udsrpc {

// Owns a file descriptor and closes it. Movable, not copyable. An object is used by one thread at a time. Closing may
// block as close(2) does, and its errors are not told.
class UniqueFd {
 public:
  // Owns none.
  UniqueFd() = default;
  // Takes `fd` over; a negative one is none.
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  // The descriptor, still owned; negative where there is none.
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // The descriptor, the caller's to close from now on.
  int release() { return std::exchange(fd_, -1); }
  // Closes the descriptor, if any, and takes `fd` over.
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// A list of those, for functions that take several: MakeFds(std::move(first), std::move(second)).
template <typename... Fds>
std::vector<UniqueFd> MakeFds(Fds... fds) {
  std::vector<UniqueFd> list;
  list.reserve(sizeof...(fds));
  (list.push_back(std::move(fds)), ...);
  return list;
}

}  // namespace udsrpc

#endif  // UDSRPC_UNIQUE_FD_H_
