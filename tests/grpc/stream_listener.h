#ifndef UDSRPC_TESTS_GRPC_STREAM_LISTENER_H_
#define UDSRPC_TESTS_GRPC_STREAM_LISTENER_H_

#include <functional>
#include <thread>

#include "udsrpc/endpoint.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {

// Listens with a stream socket and hands over what it accepts, on a thread of its own. Removes its file at the end.
class StreamListener {
 public:
  using Accept = std::function<void(UniqueFd connection)>;

  // Aborts the test where it cannot listen.
  StreamListener(const Endpoint& endpoint, Accept accept);
  ~StreamListener();
  StreamListener(const StreamListener&) = delete;
  StreamListener& operator=(const StreamListener&) = delete;

 private:
  void Run();

  const Endpoint endpoint_;
  const Accept accept_;
  UniqueFd listening_;
  UniqueFd stop_;
  std::thread thread_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_GRPC_STREAM_LISTENER_H_
