#ifndef UDSRPC_TESTS_GRPC_STOCK_PEERS_H_
#define UDSRPC_TESTS_GRPC_STOCK_PEERS_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

// gRPC's own client and server, with messages as bytes, for the other end of ours.

namespace udsrpc::testing {

grpc::ByteBuffer ToByteBuffer(const std::string& bytes);
std::string FromByteBuffer(const grpc::ByteBuffer& buffer);

// A client of one thread.
class StockClient {
 public:
  explicit StockClient(std::shared_ptr<grpc::Channel> channel) : stub_(std::move(channel)) {}
  ~StockClient();
  StockClient(const StockClient&) = delete;
  StockClient& operator=(const StockClient&) = delete;

  // A unary call. `reply` may be null.
  grpc::Status Call(grpc::ClientContext& context, const std::string& method, const std::string& request,
                    std::string* reply);
  // A call that sends these messages, however many, half-closes, and takes the messages that come.
  grpc::Status Stream(grpc::ClientContext& context, const std::string& method, const std::vector<std::string>& requests,
                      std::vector<std::string>* replies);

 private:
  // Waits for the one operation under way. Whether it succeeded.
  bool Await();

  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
};

// A server that does with each call, one after another on a thread of its own, what the test says.
class StockServer {
 public:
  class Call {
   public:
    explicit Call(grpc::CompletionQueue& queue) : queue_(queue) {}

    // Nothing: no message came, or none is left.
    std::optional<std::string> Read();
    void Write(const std::string& message);
    void Finish(const grpc::Status& status);
    // As a unary method's handler ends.
    void Reply(const std::string& message);

    grpc::GenericServerContext context;

   private:
    friend class StockServer;
    bool Await();

    grpc::CompletionQueue& queue_;
    grpc::GenericServerAsyncReaderWriter stream_{&context};
  };
  using Script = std::function<void(Call&)>;

  StockServer(const std::string& target, Script script);
  ~StockServer();
  StockServer(const StockServer&) = delete;
  StockServer& operator=(const StockServer&) = delete;

 private:
  void Run();

  const Script script_;
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::thread thread_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_GRPC_STOCK_PEERS_H_
