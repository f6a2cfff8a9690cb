"""A users service in the lesson's way: Flask-RESTful, Flask-SQLAlchemy, `User.query.all()`, a JWT cookie.

Run by gunicorn as the lesson does, with `BENCH_DATABASE` naming the SQLite file and `BENCH_KEY` the key;
`python -m peers.lesson_service` fills the file and prints a token. What the lesson leaves to its reader, the
columns and `read()`, is as short as can be.
"""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import jwt
from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask_cors import CORS
from flask_restful import Api, Resource
from flask_sqlalchemy import SQLAlchemy
from werkzeug.security import check_password_hash, generate_password_hash

from harness.people import PASSWORD, age_on, make_class

app = Flask(__name__)
CORS(app, supports_credentials=True, origins=["http://localhost:4100", "http://127.0.0.1:4100"])
app.config["SECRET_KEY"] = os.environ.get("BENCH_KEY", "")
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{os.environ.get('BENCH_DATABASE', '')}"
db = SQLAlchemy(app)


class User(db.Model):  # type: ignore[name-defined,misc]  # Flask-SQLAlchemy makes it at run time
    __tablename__ = "users"

    id = db.Column(db.Integer, primary_key=True)
    _name = db.Column(db.String(255), nullable=False)
    _uid = db.Column(db.String(255), unique=True, nullable=False)
    _dob = db.Column(db.Date)
    _role = db.Column(db.String(20), default="User", nullable=False)
    _password = db.Column(db.String(255), nullable=False)

    @property
    def role(self) -> str:
        return str(self._role)

    def read(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self._name,
            "uid": self._uid,
            "age": age_on(self._dob, datetime.now(UTC).date()) if self._dob else None,
            "role": self._role,
            "access": ["ro"],
            "picture": None,
        }


def token_required(roles: object = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The lesson's guard, its faults included: what is measured is what its readers run."""

    def decorator(f: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(f)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            token = request.cookies.get("jwt")
            if not token:
                return _refusal("Authentication Token is missing!", "Unauthorized"), 401
            try:
                data = jwt.decode(token, current_app.config["SECRET_KEY"], algorithms=["HS256"])
                current_user = User.query.filter_by(_uid=data["_uid"]).first()
                if current_user is None:
                    return _refusal("Invalid Authentication token!", "Unauthorized"), 401
                if roles and current_user.role not in roles:  # type: ignore[operator]  # as the lesson has it
                    return _refusal(f"Insufficient permissions. Required roles: {roles}", "Forbidden"), 403
            except Exception as error:  # noqa: BLE001  as the lesson has it
                return _refusal("Something went wrong, likely with the token!", str(error)), 500
            return f(current_user, *args, **kwargs)

        return decorated

    return decorator


def _refusal(message: str, error: str) -> dict[str, Any]:
    return {"message": message, "data": None, "error": error}


user_api = Blueprint("user_api", __name__, url_prefix="/api/users")
api = Api(user_api)


class UserAPI:
    class CRUD(Resource):  # type: ignore[misc]  # Flask-RESTful ships no types
        @token_required()
        def get(self, _: User) -> Response:
            users = User.query.all()
            json_ready = [user.read() for user in users]
            return jsonify(json_ready)

        @token_required(roles=["Admin"])
        def post(self, _: User) -> Any:
            body = request.get_json()
            user = User(
                _uid=body["uid"],
                _name=body["name"],
                _password=generate_password_hash(body["password"]),
            )
            db.session.add(user)
            db.session.commit()
            return user.read(), 201

    class One(Resource):  # type: ignore[misc]  # Flask-RESTful ships no types
        @token_required()
        def get(self, _: User, user_id: int) -> Response:
            return jsonify(db.get_or_404(User, user_id).read())

        @token_required(roles=["Admin"])
        def delete(self, _: User, user_id: int) -> Response:
            user = db.get_or_404(User, user_id)
            json_ready = user.read()
            db.session.delete(user)
            db.session.commit()
            return jsonify(json_ready)

    class Self(Resource):  # type: ignore[misc]  # Flask-RESTful ships no types
        @token_required()
        def put(self, _: User) -> Response:
            # The lesson's guard gives the person where a method expects its resource.
            current_user: Any = self
            current_user._name = request.get_json()["name"]
            db.session.commit()
            return jsonify(current_user.read())

    class Security(Resource):  # type: ignore[misc]  # Flask-RESTful ships no types
        def post(self) -> Any:
            body = request.get_json()
            user = User.query.filter_by(_uid=body["uid"]).first()
            if user is None or not check_password_hash(user._password, body["password"]):
                return _refusal("Invalid user id or password", "Unauthorized"), 401
            answer = jsonify(user.read())
            answer.set_cookie("jwt", _token(user._uid), max_age=12 * 3600, httponly=True, samesite="Lax")
            return answer

    api.add_resource(CRUD, "/")
    api.add_resource(One, "/<int:user_id>")
    api.add_resource(Self, "/self")
    api.add_resource(Security, "/authenticate")


app.register_blueprint(user_api)


def _token(uid: str) -> str:
    return jwt.encode({"_uid": uid}, app.config["SECRET_KEY"], algorithm="HS256")


def fill() -> str:
    """Make the class; the token of its last student."""
    people, password = make_class(), generate_password_hash(PASSWORD)
    with app.app_context():
        db.create_all()
        for person in people:
            columns = {"_name": person.name, "_uid": person.uid, "_dob": person.dob, "_role": person.role}
            db.session.add(User(**columns, _password=password))
        db.session.commit()
    return _token(people[-1].uid)


if __name__ == "__main__":
    sys.stdout.write(fill())
