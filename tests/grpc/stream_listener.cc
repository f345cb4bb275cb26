#include "tests/grpc/stream_listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace udsrpc::testing {

StreamListener::StreamListener(const Endpoint& endpoint, Accept accept)
    : endpoint_(endpoint),
      accept_(std::move(accept)),
      listening_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool abstract = endpoint.kind() == Endpoint::Kind::kAbstract;
  endpoint.address().copy(address.sun_path + abstract, endpoint.address().size());
  const size_t size = offsetof(sockaddr_un, sun_path) + 1 + endpoint.address().size();
  if (bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)) != 0 ||
      listen(listening_.get(), 64) != 0) {
    perror(endpoint.ToString().c_str());
    abort();
  }
  thread_ = std::thread([this] { Run(); });
}

StreamListener::~StreamListener() {
  const uint64_t one = 1;
  if (write(stop_.get(), &one, sizeof(one)) != sizeof(one)) abort();
  thread_.join();
  if (endpoint_.kind() == Endpoint::Kind::kPath) unlink(endpoint_.address().c_str());
}

void StreamListener::Run() {
  pollfd watched[] = {{.fd = stop_.get(), .events = POLLIN, .revents = 0},
                      {.fd = listening_.get(), .events = POLLIN, .revents = 0}};
  for (;;) {
    poll(watched, 2, -1);
    if (watched[0].revents != 0) return;
    UniqueFd connection(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) accept_(std::move(connection));
  }
}

}  // namespace udsrpc::testing
