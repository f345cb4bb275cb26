#ifndef UDSRPC_TESTS_GRPC_GRPC_SERVER_FIXTURE_H_
#define UDSRPC_TESTS_GRPC_GRPC_SERVER_FIXTURE_H_

#include <grpcpp/channel.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "google/protobuf/empty.pb.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "server/src/dispatch.h"
#include "server/src/server_transport.h"
#include "tests/grpc/stream_listener.h"
#include "tests/support/event.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/channel.h"
#include "udsrpc/client_context.h"
#include "udsrpc/client_stream.h"
#include "udsrpc/server.h"
#include "udsrpc/service.h"

namespace udsrpc::testing {

using google::protobuf::StringValue;

// A service with a method of each kind, which do what the test says.
class ScriptedService final : public Service {
 public:
  using Writer = ServerWriter<StringValue>;
  using Reader = ServerReader<StringValue>;
  using ReaderWriter = ServerReaderWriter<StringValue, StringValue>;

  ScriptedService();

  // Set before calls come. At first they echo: List the request's characters one by one, Collect all that came in one.
  std::function<absl::Status(ServerContext&, const StringValue&, StringValue&)> script;
  std::function<absl::Status(ServerContext&, const StringValue&, Writer&)> list_script;
  std::function<absl::Status(ServerContext&, Reader&, StringValue&)> collect_script;
  std::function<absl::Status(ServerContext&, ReaderWriter&)> chat_script;

 private:
  absl::Status Do(ServerContext& context, const StringValue& request, StringValue& reply);
  absl::Status List(ServerContext& context, const StringValue& request, Writer& writer);
  absl::Status Collect(ServerContext& context, Reader& reader, StringValue& reply);
  absl::Status Chat(ServerContext& context, ReaderWriter& stream);
};

inline constexpr MethodDescriptor kDo = {"/test.Scripted/Do", MethodKind::kUnary};
inline constexpr MethodDescriptor kList = {"/test.Scripted/List", MethodKind::kServerStreaming};
inline constexpr MethodDescriptor kCollect = {"/test.Scripted/Collect", MethodKind::kClientStreaming};
inline constexpr MethodDescriptor kChat = {"/test.Scripted/Chat", MethodKind::kBidiStreaming};

// The gRPC server transport, fed by a listener of the test's, and clients of ours and of gRPC's own.
class GrpcServerFixture : public ::testing::Test {
 protected:
  GrpcServerFixture();
  ~GrpcServerFixture() override;

  void StartServer(const ServerOptions& options = {});
  // Hands the server a connection, as of whom the kernel says.
  void Adopt(UniqueFd connection);
  // Stops listening and shuts the server down.
  void StopServer(absl::Time deadline = absl::InfinitePast());

  // Our transport to the server.
  std::shared_ptr<Channel> OurChannel(ChannelOptions options = {});
  // gRPC's own, on a connection of its own.
  std::shared_ptr<grpc::Channel> StockChannel();

  // An echo, with a deadline far away. Fails the test where it is not answered.
  void ExpectEcho(Channel& channel, const std::string& text = "still well");

  TempDir dir_;
  Endpoint endpoint_;
  ScriptedService service_;
  std::unique_ptr<ServerTransport> transport_;
  Event accepted_;

 private:
  std::unique_ptr<MethodTable> methods_;
  std::unique_ptr<StreamListener> listener_;
};

// A call of kDo through `channel`. A context of its own, where none is given, has a deadline far away.
absl::Status Do(Channel& channel, ClientContext& context, const std::string& text, std::string* reply = nullptr);
absl::Status Do(Channel& channel, const std::string& text, std::string* reply = nullptr);

// Streams of the three other methods, as generated code makes them. Their contexts must outlive them.
ClientReader<StringValue> List(Channel& channel, ClientContext& context, const std::string& text);
ClientWriter<StringValue, StringValue> Collect(Channel& channel, ClientContext& context, StringValue& reply);
ClientReaderWriter<StringValue, StringValue> Chat(Channel& channel, ClientContext& context);

StringValue Value(const std::string& text);

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_GRPC_GRPC_SERVER_FIXTURE_H_
