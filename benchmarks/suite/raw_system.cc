// What a socket costs and nothing else: packets of bytes that come back, over SOCK_SEQPACKET, a thread a connection at
// the server. With both ends asleep while they wait, or awake.

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "benchmarks/suite/system.h"

namespace udsrpc::benchmarks {
namespace {

constexpr size_t kMaxBytes = 4096;

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof(address.sun_path)) Fail("the path is too long");
  path.copy(address.sun_path, path.size());
  return address;
}

int NewSocket() {
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) Fail("no socket");
  return fd;
}

void Require(int result, const char* what) {
  if (result < 0) Fail(std::string(what) + ": " + std::strerror(errno));
}

// Bytes of the next packet; 0 or less where there will be none.
template <bool kSpin>
ssize_t Receive(int fd, char* bytes) {
  for (;;) {
    const ssize_t size = recv(fd, bytes, kMaxBytes, kSpin ? MSG_DONTWAIT : 0);
    if (size >= 0 || (errno != EAGAIN && errno != EINTR)) return size;
  }
}

template <bool kSpin>
void EchoAll(int fd) {
  char bytes[kMaxBytes];
  for (ssize_t size; (size = Receive<kSpin>(fd, bytes)) > 0;) {
    if (send(fd, bytes, static_cast<size_t>(size), MSG_NOSIGNAL) != size) break;
  }
  close(fd);
}

// Its threads go on to the end of the process, which is that of the server.
template <bool kSpin>
class RawServer final : public RunningServer {
 public:
  explicit RawServer(const std::string& path) : fd_(NewSocket()) {
    const sockaddr_un address = AddressOf(path);
    Require(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), "bind");
    Require(listen(fd_, SOMAXCONN), "listen");
    std::thread([fd = fd_] {
      for (;;) {
        const int connection = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
        Require(connection, "accept");
        std::thread(EchoAll<kSpin>, connection).detach();
      }
    }).detach();
  }

 private:
  const int fd_;
};

template <bool kSpin>
class RawConnection final : public Connection {
 public:
  explicit RawConnection(const std::string& path) : fd_(NewSocket()) {
    const sockaddr_un address = AddressOf(path);
    Require(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), "connect");
  }
  ~RawConnection() override { close(fd_); }

  void Echo(const std::string& payload, std::chrono::microseconds /*handler_sleep*/) override {
    char reply[kMaxBytes];
    if (send(fd_, payload.data(), payload.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(payload.size())) Fail("send");
    const ssize_t size = Receive<kSpin>(fd_, reply);
    if (size != static_cast<ssize_t>(payload.size()) ||
        payload.compare(0, payload.size(), reply, payload.size()) != 0) {
      Fail("another reply");
    }
  }
  bool EchoMany(int /*outstanding*/, const std::string& /*payload*/, Load& /*load*/) override { return false; }

 private:
  const int fd_;
};

template <bool kSpin>
System RawSystem(const std::string& name) {
  return {.name = name,
          .serve = [](const std::string& path) -> std::unique_ptr<RunningServer> {
            return std::make_unique<RawServer<kSpin>>(path);
          },
          .connect = [](const std::string& path) -> std::unique_ptr<Connection> {
            return std::make_unique<RawConnection<kSpin>>(path);
          },
          .bare = true};
}

}  // namespace

const std::vector<System>& Systems() {
  static const auto* const systems = new std::vector<System>{
      RawSystem<true>("raw-seqpacket-spin"),
      RawSystem<false>("raw-seqpacket-block"),
  };
  return *systems;
}

}  // namespace udsrpc::benchmarks
