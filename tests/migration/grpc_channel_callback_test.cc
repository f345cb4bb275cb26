// gRPC's callback interface on a channel of CreateGrpcChannel: a function, and a reactor of each kind.

#include <grpcpp/support/client_callback.h>

#include <optional>
#include <vector>

#include "tests/migration/grpc_channel_fixture.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

class GrpcChannelCallbackTest : public GrpcChannelTest {
 protected:
  grpc::ClientContext context_;
};

// A reactor that remembers how its call ended.
template <typename Base>
class Reactor : public Base {
 public:
  grpc::Status Await() {
    EXPECT_TRUE(done_.Await());
    return status_;
  }

 protected:
  void OnDone(const grpc::Status& status) override {
    status_ = status;
    done_.Happen();
  }

 private:
  grpc::Status status_;
  Event done_;
};

TEST_F(GrpcChannelCallbackTest, Function) {
  SetTimeout(context_);
  const EchoRequest request = RequestOf("text");
  EchoReply reply;
  grpc::Status status;
  Event done;
  stub_->async()->Echo(&context_, &request, &reply, [&](grpc::Status result) {
    status = std::move(result);
    done.Happen();
  });
  ASSERT_TRUE(done.Await());
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply.text(), "text");
}

TEST_F(GrpcChannelCallbackTest, FunctionThatIsCancelled) {
  SetTimeout(context_);
  BlockRequest request;
  request.set_gate("gate");
  EchoReply reply;
  grpc::Status status;
  Event done;
  stub_->async()->Block(&context_, &request, &reply, [&](grpc::Status result) {
    status = std::move(result);
    done.Happen();
  });
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  context_.TryCancel();
  ASSERT_TRUE(done.Await());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
}

TEST_F(GrpcChannelCallbackTest, FunctionWithStatusAndDetails) {
  FailRequest request;
  request.set_code(5);
  request.set_message("not here");
  auto& payload = *request.add_payloads();
  payload.set_key("type.googleapis.com/a.B");
  payload.set_value("bytes");
  EchoReply reply;
  grpc::Status status;
  Event done;
  stub_->async()->Fail(&context_, &request, &reply, [&](grpc::Status result) {
    status = std::move(result);
    done.Happen();
  });
  ASSERT_TRUE(done.Await());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "not here");
  EXPECT_NE(status.error_details(), "");
}

class UnaryReactor final : public Reactor<grpc::ClientUnaryReactor> {
 public:
  bool has_initial_metadata() const { return has_initial_metadata_; }

 private:
  void OnReadInitialMetadataDone(bool ok) override { has_initial_metadata_ = ok; }

  bool has_initial_metadata_ = false;
};

TEST_F(GrpcChannelCallbackTest, UnaryReactor) {
  SetTimeout(context_);
  context_.AddMetadata("sent", "value");
  LookRequest request;
  auto& initial = *request.add_initial_metadata();
  initial.set_key("initial");
  initial.set_value("1");
  auto& trailing = *request.add_trailing_metadata();
  trailing.set_key("trailing-bin");
  trailing.set_value(std::string("\0", 1));
  LookReply reply;
  UnaryReactor reactor;
  stub_->async()->Look(&context_, &request, &reply, &reactor);
  reactor.StartCall();
  EXPECT_TRUE(reactor.Await().ok());
  EXPECT_TRUE(reactor.has_initial_metadata());
  EXPECT_EQ(reply.metadata_size(), 1);
  EXPECT_EQ(context_.GetServerInitialMetadata().count("initial"), 1u);
  EXPECT_EQ(context_.GetServerTrailingMetadata().count("trailing-bin"), 1u);
}

class ReadAllReactor final : public Reactor<grpc::ClientReadReactor<EchoReply>> {
 public:
  ReadAllReactor(StockTest::Stub& stub, grpc::ClientContext& context, const InflateRequest& request) {
    stub.async()->Count(&context, &request, this);
    StartRead(&reply_);
    StartCall();
  }
  int messages() const { return messages_; }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return;
    ++messages_;
    StartRead(&reply_);
  }

  EchoReply reply_;
  int messages_ = 0;
};

TEST_F(GrpcChannelCallbackTest, ReadReactor) {
  SetTimeout(context_);
  InflateRequest request;
  request.set_messages(300);
  request.set_bytes(1000);
  ReadAllReactor reactor(*stub_, context_, request);
  EXPECT_TRUE(reactor.Await().ok());
  EXPECT_EQ(reactor.messages(), 300);
}

class WriteAllReactor final : public Reactor<grpc::ClientWriteReactor<EchoRequest>> {
 public:
  WriteAllReactor(StockTest::Stub& stub, grpc::ClientContext& context, const EchoRequest& request, int left,
                  CollectReply& reply)
      : request_(request), left_(left) {
    stub.async()->Collect(&context, &reply, this);
    Write();
    StartCall();
  }

 private:
  void Write() {
    if (--left_ > 0) return StartWrite(&request_);
    StartWriteLast(&request_, {});
  }
  void OnWriteDone(bool ok) override {
    if (ok && left_ > 0) Write();
  }

  const EchoRequest& request_;
  int left_;
};

TEST_F(GrpcChannelCallbackTest, WriteReactor) {
  SetTimeout(context_);
  // More than a call's credit, so that writes have to wait.
  const EchoRequest request = RequestOf(std::string(10'000, 'x'));
  CollectReply reply;
  WriteAllReactor reactor(*stub_, context_, request, 200, reply);
  const grpc::Status status = reactor.Await();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply.messages(), 200u);
  EXPECT_EQ(reply.bytes(), 2'000'000u);
}

// Writes and reads side by side.
class ChatReactor final : public Reactor<grpc::ClientBidiReactor<EchoRequest, EchoReply>> {
 public:
  ChatReactor(StockTest::Stub& stub, grpc::ClientContext& context, int messages) : left_(messages) {
    request_.set_text("x");
    stub.async()->Chat(&context, this);
    StartWrite(&request_);
    StartRead(&reply_);
    StartCall();
  }
  int answers() const { return answers_; }
  bool all_written() const { return all_written_; }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return;
    ++answers_;
    StartRead(&reply_);
  }
  void OnWriteDone(bool ok) override {
    EXPECT_TRUE(ok);
    if (--left_ > 0) return StartWrite(&request_);
    StartWritesDone();
  }
  void OnWritesDoneDone(bool ok) override { all_written_ = ok; }

  EchoRequest request_;
  EchoReply reply_;
  int left_;
  int answers_ = 0;
  bool all_written_ = false;
};

TEST_F(GrpcChannelCallbackTest, BidiReactor) {
  SetTimeout(context_);
  ChatReactor reactor(*stub_, context_, 100);
  EXPECT_TRUE(reactor.Await().ok());
  EXPECT_EQ(reactor.answers(), 100);
  EXPECT_TRUE(reactor.all_written());
}

TEST_F(GrpcChannelCallbackTest, BidiReactorThatIsCorked) {
  SetTimeout(context_);
  context_.set_initial_metadata_corked(true);
  ChatReactor reactor(*stub_, context_, 10);
  EXPECT_TRUE(reactor.Await().ok());
  EXPECT_EQ(reactor.answers(), 10);
}

// Reads nothing.
class IdleReactor final : public Reactor<grpc::ClientBidiReactor<EchoRequest, EchoReply>> {
 public:
  bool AwaitInitialMetadata() { return began_.Await(); }

 private:
  void OnReadInitialMetadataDone(bool /*ok*/) override { began_.Happen(); }

  Event began_;
};

TEST_F(GrpcChannelCallbackTest, CancellationEndsAReactorThatReadsNothing) {
  SetTimeout(context_);
  context_.AddMetadata("gate", "gate");
  IdleReactor reactor;
  stub_->async()->Hold(&context_, &reactor);
  reactor.StartCall();
  ASSERT_TRUE(reactor.AwaitInitialMetadata());
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));
  context_.TryCancel();
  EXPECT_EQ(reactor.Await().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
}

TEST_F(GrpcChannelCallbackTest, DeadlineEndsAReactorThatReadsNothing) {
  SetTimeout(context_, absl::Milliseconds(200));
  context_.AddMetadata("gate", "gate");
  IdleReactor reactor;
  stub_->async()->Hold(&context_, &reactor);
  reactor.StartCall();
  EXPECT_EQ(reactor.Await().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
}

TEST_F(GrpcChannelCallbackTest, LossOfTheServerEndsAReactorThatReadsNothing) {
  SetTimeout(context_);
  IdleReactor reactor;
  stub_->async()->Chat(&context_, &reactor);
  reactor.StartCall();
  server_->Shutdown(absl::InfinitePast());
  EXPECT_EQ(reactor.Await().error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace udsrpc::testing
