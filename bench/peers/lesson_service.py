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

from harness.people import age_on, make_class

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

    @property
    def role(self) -> str:
        return str(self._role)

    def read(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self._name,
            "uid": self._uid,
            "age": age_on(self._dob, datetime.now(UTC).date()),
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

    api.add_resource(CRUD, "/")


app.register_blueprint(user_api)


def fill() -> str:
    """Make the class; the token of its last student."""
    people = make_class()
    with app.app_context():
        db.create_all()
        for person in people:
            db.session.add(User(_name=person.name, _uid=person.uid, _dob=person.dob, _role=person.role))
        db.session.commit()
    return jwt.encode({"_uid": people[-1].uid}, app.config["SECRET_KEY"], algorithm="HS256")


if __name__ == "__main__":
    sys.stdout.write(fill())
