#ifndef UDSRPC_TOOLS_WATCHED_CALLS_H_
#define UDSRPC_TOOLS_WATCHED_CALLS_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/exit_code.h"
#include "tools/interruption.h"
#include "udsrpc/channel.h"
#include "udsrpc/client_context.h"
#include "udsrpc/client_stream.h"
#include "udsrpc/v1/introspection.udsrpc.pb.h"

namespace udsrpc::tools {

// Of methods that begin so; the slash at the beginning may be missing.
void WatchMethods(const std::vector<std::string>& prefixes, v1::WatchCallsRequest* request);

// The calls of a server as it tells of them, until it ends or Ctrl-C does.
class WatchedCalls {
 public:
  WatchedCalls(std::string target, std::shared_ptr<Channel> channel);
  WatchedCalls(const WatchedCalls&) = delete;
  WatchedCalls& operator=(const WatchedCalls&) = delete;

  // Asks, and waits for the server to begin, for --timeout at most. OK also where it has refused: Read and End tell.
  Outcome Begin(const v1::WatchCallsRequest& request);
  // Blocks until some have ended. False: none come any more.
  bool Read(v1::WatchCallsResponse* calls) { return stream_->Read(*calls); }
  // No more are wanted. From any thread.
  void Cancel();
  // How it went, once no more come. OK: it was not wanted any more, or the server has ended, which `server_ended` says.
  Outcome End(bool* server_ended);

 private:
  const std::string target_;
  const std::shared_ptr<Channel> channel_;
  ClientContext context_;
  std::atomic<bool> cancelled_{false};
  std::optional<ClientReader<v1::WatchCallsResponse>> stream_;
  std::optional<Interruption> interruption_;  // the last, since it refers to the others
};

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_WATCHED_CALLS_H_
