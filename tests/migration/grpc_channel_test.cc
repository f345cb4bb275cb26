// What of stubs on a channel of CreateGrpcChannel the parity scenarios do not show: the completion queue's further
// ways, generic stubs, corked calls, and what ends calls early.

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "tests/migration/grpc_channel_fixture.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

// Waits for the next event of `queue`, which must be that of `tag`. Its result.
bool Next(grpc::CompletionQueue& queue, intptr_t tag) {
  void* got = nullptr;
  bool ok = false;
  EXPECT_EQ(queue.AsyncNext(&got, &ok, absl::ToChronoTime(absl::Now() + absl::Seconds(20))),
            grpc::CompletionQueue::GOT_EVENT);
  EXPECT_EQ(reinterpret_cast<intptr_t>(got), tag);
  return ok;
}
// Waits for those of both tags, which come in any order and must be successes.
void NextTwo(grpc::CompletionQueue& queue, intptr_t a, intptr_t b) {
  std::set<intptr_t> tags;
  for (int i = 0; i < 2; ++i) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_EQ(queue.AsyncNext(&tag, &ok, absl::ToChronoTime(absl::Now() + absl::Seconds(20))),
              grpc::CompletionQueue::GOT_EVENT);
    EXPECT_TRUE(ok);
    tags.insert(reinterpret_cast<intptr_t>(tag));
  }
  EXPECT_EQ(tags, (std::set<intptr_t>{a, b}));
}
void* Tag(intptr_t tag) { return reinterpret_cast<void*>(tag); }

TEST_F(GrpcChannelTest, CancellationByAnotherThreadReachesTheHandler) {
  grpc::ClientContext context;
  SetTimeout(context);
  std::thread canceller([&] {
    EXPECT_TRUE(service_.AwaitArrivals("gate", 1));
    context.TryCancel();
  });
  BlockRequest request;
  request.set_gate("gate");
  EchoReply reply;
  EXPECT_EQ(stub_->Block(&context, request, &reply).error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
  canceller.join();
}

TEST_F(GrpcChannelTest, DeadlineReachesTheHandler) {
  grpc::ClientContext context;
  SetTimeout(context, absl::Milliseconds(100));
  BlockRequest request;
  request.set_gate("gate");
  EchoReply reply;
  EXPECT_EQ(stub_->Block(&context, request, &reply).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
}

TEST_F(GrpcChannelTest, CallCancelledBeforeItBeganIsNotMade) {
  grpc::ClientContext context;
  SetTimeout(context);
  context.TryCancel();
  EchoReply reply;
  EXPECT_EQ(stub_->Echo(&context, RequestOf("x"), &reply).error_code(), grpc::StatusCode::CANCELLED);
  grpc::ClientContext stream_context;
  SetTimeout(stream_context);
  stream_context.TryCancel();
  const auto stream = stub_->Chat(&stream_context);
  EXPECT_FALSE(stream->Read(&reply));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(service_.echoes(), 0);
}

TEST_F(GrpcChannelTest, MetadataThatIsNotAllowedEndsTheCall) {
  EchoReply reply;
  grpc::ClientContext context;
  context.AddMetadata("key", "a\nline");
  const grpc::Status status = stub_->Echo(&context, RequestOf("x"), &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  grpc::ClientContext stream_context;
  stream_context.AddMetadata("key", "a\nline");
  const auto stream = stub_->Chat(&stream_context);
  EXPECT_FALSE(stream->Write(RequestOf("x")));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  grpc::ClientContext async_context;
  async_context.AddMetadata("key", "a\nline");
  grpc::CompletionQueue queue;
  const auto call = stub_->AsyncEcho(&async_context, RequestOf("x"), &queue);
  grpc::Status async_status;
  call->Finish(&reply, &async_status, Tag(1));
  EXPECT_TRUE(Next(queue, 1));
  EXPECT_EQ(async_status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(GrpcChannelTest, DetailsAreInTheTrailingMetadataToo) {
  FailRequest request;
  request.set_code(9);
  request.set_message("no");
  auto& payload = *request.add_payloads();
  payload.set_key("type.googleapis.com/a.B");
  payload.set_value("bytes");
  grpc::ClientContext context;
  EchoReply reply;
  const grpc::Status status = stub_->Fail(&context, request, &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "no");
  EXPECT_NE(status.error_details(), "");
  const auto& trailing = context.GetServerTrailingMetadata();
  const auto found = trailing.find("grpc-status-details-bin");
  ASSERT_NE(found, trailing.end());
  EXPECT_EQ(std::string(found->second.data(), found->second.size()), status.error_details());
}

TEST_F(GrpcChannelTest, ServerThatIsNotThereIsUnavailable) {
  server_.reset();
  grpc::ClientContext context;
  EchoReply reply;
  EXPECT_EQ(stub_->Echo(&context, RequestOf("x"), &reply).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcChannelTest, BlockingStreamMayBeCorked) {
  grpc::ClientContext context;
  SetTimeout(context);
  context.set_initial_metadata_corked(true);
  const auto stream = stub_->Chat(&context);
  std::string read;
  // Is held until the write has begun the call.
  std::thread reader([&] {
    EchoReply reply;
    while (stream->Read(&reply)) read += reply.text();
  });
  EXPECT_TRUE(stream->Write(RequestOf("a")));
  EXPECT_TRUE(stream->Write(RequestOf("b"), grpc::WriteOptions().set_last_message()));
  reader.join();
  EXPECT_EQ(read, "ab");
  EXPECT_TRUE(stream->Finish().ok());
}

// Tells of the batches of calls that do not begin them.
class LaterBatches final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  LaterBatches(Event& come, Event& gone_on) : come_(come), gone_on_(gone_on) {}

  grpc::experimental::Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo* /*info*/) override {
    return new Observer(come_, gone_on_);
  }

 private:
  class Observer final : public grpc::experimental::Interceptor {
   public:
    Observer(Event& come, Event& gone_on) : come_(come), gone_on_(gone_on) {}
    void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
      if (batch->QueryInterceptionHookPoint(grpc::experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
        return batch->Proceed();
      }
      Event& gone_on = gone_on_;  // the call may end before Proceed returns
      come_.Happen();
      batch->Proceed();
      gone_on.Happen();
    }

   private:
    Event& come_;
    Event& gone_on_;
  };

  Event& come_;
  Event& gone_on_;
};

class AnswersSecondMessage final : public TestService {
 public:
  absl::Status Chat(ServerContext& /*context*/, ServerReaderWriter<EchoReply, EchoRequest>& stream) override {
    EchoRequest request;
    EchoReply reply;
    reply.set_text("both");
    if (stream.Read(request) && stream.Read(request)) stream.Write(reply);
    return absl::OkStatus();
  }
};

// A corked stream, read by a thread of its own before or while another begins the call: neither may run what is the
// other's to wait for.
class CorkedGrpcStreamTest : public GrpcChannelTest {
 protected:
  CorkedGrpcStreamTest() {
    server_.reset();
    SetTimeout(context_);
    context_.set_initial_metadata_corked(true);
  }
  ~CorkedGrpcStreamTest() override {
    if (reader_.joinable()) reader_.join();
  }

  void StartServer() {
    ServerBuilder builder;
    builder.AddEndpoint(target_, {.grpc = false});
    builder.RegisterService(&answers_second_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  void StartReading(bool wait_for_ready) {
    GrpcChannelOptions options;
    options.wait_for_ready = wait_for_ready;
    options.interceptors.push_back(std::make_unique<LaterBatches>(read_come_, read_held_));
    UseChannel(std::move(options));
    stream_ = stub_->Chat(&context_);
    reader_ = std::thread([this] {
      EchoReply reply;
      if (stream_->Read(&reply)) read_ = reply.text();
      read_done_.Happen();
    });
  }

  void ExpectAnswer() {
    EXPECT_TRUE(stream_->Write(RequestOf("b"), grpc::WriteOptions().set_last_message()));
    ASSERT_TRUE(read_done_.Await());
    EXPECT_EQ(read_, "both");
    EXPECT_TRUE(stream_->Finish().ok());
  }

  AnswersSecondMessage answers_second_;
  Event read_come_;
  Event read_held_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<EchoRequest, EchoReply>> stream_;
  std::string read_;
  Event read_done_;
  std::thread reader_;
};

TEST_F(CorkedGrpcStreamTest, ReadBeforeTheFirstWriteDoesNotHoldItUp) {
  StartServer();
  StartReading(/*wait_for_ready=*/false);
  ASSERT_TRUE(read_held_.Await());
  EXPECT_TRUE(stream_->Write(RequestOf("a")));
  ExpectAnswer();
}

TEST_F(CorkedGrpcStreamTest, ReadDuringTheFirstWriteDoesNotHoldItUp) {
  std::thread starter([this] {
    EXPECT_TRUE(read_come_.Await());  // while the write waits for the server, or just before
    StartServer();
  });
  StartReading(/*wait_for_ready=*/true);
  EXPECT_TRUE(stream_->Write(RequestOf("a")));
  starter.join();
  ExpectAnswer();
}

TEST_F(GrpcChannelTest, CorkedStreamThatIsCancelledBeforeItBeganEnds) {
  grpc::ClientContext context;
  SetTimeout(context);
  context.set_initial_metadata_corked(true);
  grpc::CompletionQueue queue;
  const auto stream = stub_->PrepareAsyncChat(&context, &queue);
  stream->StartCall(nullptr);  // which, corked, is no operation
  EchoReply reply;
  stream->Read(&reply, Tag(2));
  context.TryCancel();
  EXPECT_FALSE(Next(queue, 2));
  grpc::Status status;
  stream->Finish(&status, Tag(3));
  EXPECT_TRUE(Next(queue, 3));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(GrpcChannelTest, QueueReadsTheInitialMetadataOfAUnaryCallByItself) {
  grpc::ClientContext context;
  SetTimeout(context);
  grpc::CompletionQueue queue;
  LookRequest request;
  auto& entry = *request.add_initial_metadata();
  entry.set_key("key-bin");
  entry.set_value(std::string("\0\xff", 2));
  const auto call = stub_->AsyncLook(&context, request, &queue);
  call->ReadInitialMetadata(Tag(1));
  EXPECT_TRUE(Next(queue, 1));
  const auto& initial = context.GetServerInitialMetadata();
  ASSERT_EQ(initial.count("key-bin"), 1u);
  EXPECT_EQ(initial.find("key-bin")->second, grpc::string_ref("\0\xff", 2));
  LookReply reply;
  grpc::Status status;
  call->Finish(&reply, &status, Tag(2));
  EXPECT_TRUE(Next(queue, 2));
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(reply.method(), "/udsrpc.testing.Test/Look");
}

TEST_F(GrpcChannelTest, QueueTakesAReadAWriteAndTheEndAtATime) {
  grpc::ClientContext context;
  SetTimeout(context);
  grpc::CompletionQueue queue;
  const auto stream = stub_->AsyncChat(&context, &queue, Tag(1));
  EXPECT_TRUE(Next(queue, 1));
  EchoReply reply;
  stream->Read(&reply, Tag(2));
  stream->Write(RequestOf("x"), Tag(3));
  NextTwo(queue, 2, 3);
  EXPECT_EQ(reply.text(), "x");
  grpc::Status status;
  stream->Finish(&status, Tag(4));
  stream->WritesDone(Tag(5));
  NextTwo(queue, 4, 5);
  EXPECT_TRUE(status.ok());
}

TEST_F(GrpcChannelTest, CancellationEndsAStreamWithAMessageThatNobodyReads) {
  grpc::ClientContext context;
  SetTimeout(context);
  context.AddMetadata("gate", "gate");
  grpc::CompletionQueue queue;
  const auto stream = stub_->AsyncHold(&context, &queue, Tag(1));
  EXPECT_TRUE(Next(queue, 1));
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  grpc::Status status;
  stream->Finish(&status, Tag(2));
  context.TryCancel();
  EXPECT_TRUE(Next(queue, 2));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
}

TEST_F(GrpcChannelTest, DeadlineEndsAStreamWithAMessageThatNobodyReads) {
  grpc::ClientContext context;
  SetTimeout(context, absl::Milliseconds(200));
  context.AddMetadata("gate", "gate");
  grpc::CompletionQueue queue;
  const auto stream = stub_->AsyncHold(&context, &queue, Tag(1));
  EXPECT_TRUE(Next(queue, 1));
  grpc::Status status;
  stream->Finish(&status, Tag(2));
  EXPECT_TRUE(Next(queue, 2));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
}

TEST_F(GrpcChannelTest, GenericStubSendsAndReceivesBytes) {
  GrpcChannelOptions options;
  options.generic = true;
  UseChannel(std::move(options));
  grpc::GenericStub stub(channel_);
  grpc::ClientContext context;
  SetTimeout(context);
  grpc::CompletionQueue queue;
  const std::string sent = RequestOf("text").SerializeAsString();
  const grpc::Slice slice(sent);
  const grpc::ByteBuffer request(&slice, 1);
  const auto call = stub.PrepareUnaryCall(&context, "/udsrpc.testing.Test/Echo", request, &queue);
  call->StartCall();
  grpc::ByteBuffer response(request);  // what it has before is replaced
  grpc::Status status;
  call->Finish(&response, &status, Tag(1));
  EXPECT_TRUE(Next(queue, 1));
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(response.Dump(&slices).ok());
  ASSERT_EQ(slices.size(), 1u);
  EchoReply reply;
  ASSERT_TRUE(reply.ParseFromArray(slices[0].begin(), static_cast<int>(slices[0].size())));
  EXPECT_EQ(reply.text(), "text");
}

// Counts the batches that it sees with a request, and has them serialized.
class CountingFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit CountingFactory(std::atomic<int>& requests) : requests_(requests) {}

  grpc::experimental::Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo* /*info*/) override {
    return new Counting(requests_);
  }

 private:
  class Counting final : public grpc::experimental::Interceptor {
   public:
    explicit Counting(std::atomic<int>& requests) : requests_(requests) {}
    void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
      if (batch->QueryInterceptionHookPoint(grpc::experimental::InterceptionHookPoints::PRE_SEND_MESSAGE)) {
        EXPECT_NE(batch->GetSerializedSendMessage(), nullptr);
        ++requests_;
      }
      batch->Proceed();
    }

   private:
    std::atomic<int>& requests_;
  };

  std::atomic<int>& requests_;
};

TEST_F(GrpcChannelTest, InterceptorsOfGrpcComeBefore) {
  std::atomic<int> requests{0};
  GrpcChannelOptions options;
  options.interceptors.push_back(std::make_unique<CountingFactory>(requests));
  UseChannel(std::move(options));
  grpc::ClientContext context;
  EchoReply reply;
  EXPECT_TRUE(stub_->Echo(&context, RequestOf("text"), &reply).ok());
  EXPECT_EQ(reply.text(), "text");
  EXPECT_EQ(requests, 1);
}

TEST_F(GrpcChannelTest, ManyThreadsCallThroughOneChannel) {
  constexpr int kThreads = 8;
  constexpr int kCalls = 50;
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, &right, thread] {
      for (int i = 0; i < kCalls; ++i) {
        const std::string text = absl::StrCat(thread, ".", i);
        EchoReply reply;
        grpc::ClientContext context;
        SetTimeout(context);
        if (i % 2 == 0) {
          if (stub_->Echo(&context, RequestOf(text), &reply).ok() && reply.text() == text) ++right;
          continue;
        }
        grpc::CompletionQueue queue;
        grpc::Status status;
        const auto call = stub_->AsyncEcho(&context, RequestOf(text), &queue);
        call->Finish(&reply, &status, Tag(1));
        if (Next(queue, 1) && status.ok() && reply.text() == text) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, kThreads * kCalls);
}

}  // namespace
}  // namespace udsrpc::testing
