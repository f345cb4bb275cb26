#include "tests/grpc/grpc_server_fixture.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "common/src/socket/read_peer.h"
#include "server/src/grpc_transport.h"

namespace udsrpc::testing {

ScriptedService::ScriptedService() : Service("test.Scripted") {
  AddMethod(ServerMethod::Unary(kDo.path, this, &ScriptedService::Do));
  AddMethod(ServerMethod::ServerStreaming(kList.path, this, &ScriptedService::List));
  AddMethod(ServerMethod::ClientStreaming(kCollect.path, this, &ScriptedService::Collect));
  AddMethod(ServerMethod::BidiStreaming(kChat.path, this, &ScriptedService::Chat));
  script = [](ServerContext&, const StringValue& request, StringValue& reply) {
    reply = request;
    return absl::OkStatus();
  };
  list_script = [](ServerContext&, const StringValue& request, Writer& writer) {
    for (const char c : request.value()) writer.Write(Value(std::string(1, c)));
    return absl::OkStatus();
  };
  collect_script = [](ServerContext&, Reader& reader, StringValue& reply) {
    StringValue request;
    while (reader.Read(request)) reply.mutable_value()->append(request.value());
    return absl::OkStatus();
  };
  chat_script = [](ServerContext&, ReaderWriter& stream) {
    StringValue message;
    while (stream.Read(message)) stream.Write(message);
    return absl::OkStatus();
  };
}

absl::Status ScriptedService::Do(ServerContext& context, const StringValue& request, StringValue& reply) {
  return script(context, request, reply);
}

absl::Status ScriptedService::List(ServerContext& context, const StringValue& request, Writer& writer) {
  return list_script(context, request, writer);
}

absl::Status ScriptedService::Collect(ServerContext& context, Reader& reader, StringValue& reply) {
  return collect_script(context, reader, reply);
}

absl::Status ScriptedService::Chat(ServerContext& context, ReaderWriter& stream) {
  return chat_script(context, stream);
}

GrpcServerFixture::GrpcServerFixture() : endpoint_(*Endpoint::FromPath(dir_.File("s"))) {}

GrpcServerFixture::~GrpcServerFixture() { StopServer(); }

void GrpcServerFixture::StartServer(const ServerOptions& options) {
  methods_ = std::make_unique<MethodTable>();
  ASSERT_TRUE(methods_->Add(service_).ok());
  absl::StatusOr<std::unique_ptr<ServerTransport>> transport = MakeGrpcServerTransport(*methods_, options);
  ASSERT_TRUE(transport.ok()) << transport.status();
  transport_ = *std::move(transport);
  listener_ = std::make_unique<StreamListener>(endpoint_, [this](UniqueFd connection) {
    Adopt(std::move(connection));
    accepted_.Happen();
  });
}

void GrpcServerFixture::Adopt(UniqueFd connection) {
  absl::StatusOr<std::shared_ptr<const Peer>> peer =
      ReadPeer(connection.get(), "unix:of-the-test", Transport::kGrpc, /*with_pidfd=*/false);
  ASSERT_TRUE(peer.ok()) << peer.status();
  auto caller = std::make_shared<const Caller>(*std::move(peer), std::make_shared<User>(UserLimits()));
  const absl::Status adopted = transport_->Adopt(std::move(connection), std::move(caller));
  EXPECT_TRUE(adopted.ok()) << adopted;
}

void GrpcServerFixture::StopServer(absl::Time deadline) {
  listener_.reset();
  if (transport_ != nullptr) transport_->Shutdown(deadline);
  transport_.reset();
}

std::shared_ptr<Channel> GrpcServerFixture::OurChannel(ChannelOptions options) {
  options.transport = Transport::kGrpc;
  absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(endpoint_.ToString(), options);
  EXPECT_TRUE(channel.ok()) << channel.status();
  return *channel;
}

std::shared_ptr<grpc::Channel> GrpcServerFixture::StockChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(endpoint_.ToString(), grpc::InsecureChannelCredentials(), arguments);
}

void GrpcServerFixture::ExpectEcho(Channel& channel, const std::string& text) {
  std::string reply;
  const absl::Status status = Do(channel, text, &reply);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(reply, text);
}

absl::Status Do(Channel& channel, ClientContext& context, const std::string& text, std::string* reply) {
  StringValue request;
  StringValue response;
  request.set_value(text);
  absl::Status status = channel.UnaryCall(kDo, context, request, response);
  if (reply != nullptr) *reply = response.value();
  return status;
}

absl::Status Do(Channel& channel, const std::string& text, std::string* reply) {
  ClientContext context;
  context.set_timeout(absl::Seconds(30));
  return Do(channel, context, text, reply);
}

ClientReader<StringValue> List(Channel& channel, ClientContext& context, const std::string& text) {
  const StringValue request = Value(text);
  return ClientReader<StringValue>(channel.StreamingCall(kList, context, &request));
}

ClientWriter<StringValue, StringValue> Collect(Channel& channel, ClientContext& context, StringValue& reply) {
  return ClientWriter<StringValue, StringValue>(channel.StreamingCall(kCollect, context, nullptr), reply);
}

ClientReaderWriter<StringValue, StringValue> Chat(Channel& channel, ClientContext& context) {
  return ClientReaderWriter<StringValue, StringValue>(channel.StreamingCall(kChat, context, nullptr));
}

StringValue Value(const std::string& text) {
  StringValue value;
  value.set_value(text);
  return value;
}

}  // namespace udsrpc::testing
